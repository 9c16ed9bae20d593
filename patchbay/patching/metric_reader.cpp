#include "patchbay/patching/metric_reader.h"

#include <set>

namespace patchbay {
namespace {

using metrics::Reads;

// The answers of these prompts, each token once.
std::vector<TokenId> answers_of(const PromptSet& prompts, std::int64_t first, std::int64_t last) {
  std::set<TokenId> tokens;
  for (std::int64_t i = first; i < last; ++i) {
    const PromptPair& pair = prompts.pairs[static_cast<std::size_t>(i)];
    tokens.insert(pair.answers.begin(), pair.answers.end());
    tokens.insert(pair.wrongs.begin(), pair.wrongs.end());
  }
  return {tokens.begin(), tokens.end()};
}

}  // namespace

MetricReader::MetricReader(const RunContext& ctx, const metrics::Metric& metric, const Sides& sides,
                           std::int64_t first, std::int64_t last)
    : ctx_(ctx), metric_(metric), sides_(sides), first_(first) {
  demand_.logits =
      metric.reads == Reads::kEveryPosition ? Demand::At::kEverywhere : Demand::At::kLastPosition;
  if (metric.reads == Reads::kAnswers) demand_.tokens = answers_of(sides.prompts, first, last);
}

std::vector<double> MetricReader::read(const Logits& logits, Side side,
                                       const std::vector<std::int64_t>& prompts) const {
  std::vector<double> values(prompts.size());
  ctx_.parallel_for(std::ssize(prompts), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t prompt = prompts[static_cast<std::size_t>(i)];
      const auto [row, row_end] = logits.rows.of_sequence(static_cast<std::int32_t>(i));
      metrics::MetricInput input{
          .pair = sides_.prompts.pairs[static_cast<std::size_t>(prompt)],
          .tokens = side == Side::kBase ? sides_.base(prompt) : sides_.other(prompt),
          .logits = logits.values[row_end - 1].flat(),
          .chosen = logits.tokens};
      if (metric_.reads == Reads::kEveryPosition) {
        input.every = logits.values.view().rows(row, row_end);
      }
      if (clean_) input.clean = clean_->at(static_cast<std::int32_t>(prompt - first_), -1);
      values[static_cast<std::size_t>(i)] = metric_.value(input);
    }
  });
  return values;
}

}  // namespace patchbay
