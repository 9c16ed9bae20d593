#include "patchbay/patching/measurement.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <set>
#include <utility>

#include "patchbay/base/error.h"

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

void check_sweep(const HookedTransformer& model, const Sweep& sweep) {
  const auto fail = [](const char* what) { throw Error(ErrorKind::kUsage, "patching", what); };
  if (sweep.direction == Direction::kNone) fail("a sweep needs a direction: noise or denoise");
  if (sweep.prompts.pairs.empty()) fail("there are no prompts to patch");
  for (const Intervention& variant : sweep.variants) {
    if (variant.empty()) fail("an intervention names no place");
    for (const Place& place : variant) check_place(model.cfg(), place);
  }
  metrics::check_pairs(sweep.metric, sweep.prompts);
}

std::vector<HookName> patched_names(const Sweep& sweep) {
  std::set<HookName> names;
  for (const Intervention& variant : sweep.variants) {
    for (const Place& place : variant) names.insert({place.site, place.layer});
  }
  return {names.begin(), names.end()};
}

RowEdits embedding_edits(const Sweep& sweep, std::int64_t first, std::int64_t last) {
  RowEdits edits;
  if (sweep.embedding_edits == nullptr) return edits;
  for (const auto& [name, list] : sweep.embedding_edits->entries()) {
    for (RowEdit edit : list) {
      if (edit.row.prompt < first || edit.row.prompt >= last) continue;
      edit.row.prompt -= static_cast<std::int32_t>(first);
      edits.add(name, edit);
    }
  }
  return edits;
}

std::int64_t unchanged_variants(const Sweep& sweep, const SweepResult& result) {
  const std::vector<double>& base =
      sweep.direction == Direction::kDenoise ? result.baselines.corrupted : result.baselines.clean;
  const std::size_t prompts = base.size();
  std::int64_t unchanged = 0;
  for (std::size_t variant = 0; variant < sweep.variants.size(); ++variant) {
    bool same = true;
    for (std::size_t i = 0; i < prompts; ++i) {
      const double value = result.values[variant * prompts + i];
      same = same && std::bit_cast<std::uint64_t>(value) == std::bit_cast<std::uint64_t>(base[i]);
    }
    if (same) ++unchanged;
  }
  return unchanged;
}

Demand demand_of(const Sweep& sweep, std::int64_t first, std::int64_t last) {
  Demand demand{.logits = sweep.metric.reads == Reads::kEveryPosition ? Demand::At::kEverywhere
                                                                      : Demand::At::kLastPosition};
  if (sweep.metric.reads == Reads::kAnswers) {
    demand.tokens = answers_of(sweep.prompts, first, last);
  }
  return demand;
}

Measurement::Measurement(const RunContext& ctx, const HookedTransformer& model, const Sweep& sweep,
                         const BaseRun& base, std::int64_t first, std::int64_t last,
                         std::optional<Logits> other_logits)
    : ctx_(ctx),
      sweep_(sweep),
      sides_{sweep.prompts, sweep.direction},
      first_(first),
      demand_(demand_of(sweep, first, last)) {
  std::vector<std::int64_t> prompts(static_cast<std::size_t>(last - first));
  std::iota(prompts.begin(), prompts.end(), first);
  ReplayStart nothing;
  std::vector<Prompt> others;
  for (const std::int64_t i : prompts) {
    nothing.base_prompt.push_back(static_cast<std::int32_t>(i - first));
    others.push_back(sides_.other(i));
  }
  const Logits own = model.replay(ctx, base, nothing, demand_);
  const Logits other = other_logits ? std::move(*other_logits) : model.run(ctx, others, demand_);
  if (sweep.metric.needs_clean) clean_ = sweep.direction == Direction::kDenoise ? other : own;
  base_ = measure(own, prompts, &Sides::base);
  other_ = measure(other, prompts, &Sides::other);
}

void Measurement::add_baselines(Baselines& baselines) const {
  const bool denoise = sweep_.direction == Direction::kDenoise;
  std::vector<double>& base = denoise ? baselines.corrupted : baselines.clean;
  std::vector<double>& other = denoise ? baselines.clean : baselines.corrupted;
  base.insert(base.end(), base_.begin(), base_.end());
  other.insert(other.end(), other_.begin(), other_.end());
}

std::vector<double> Measurement::measure(const Logits& logits,
                                         const std::vector<std::int64_t>& prompts) const {
  return measure(logits, prompts, &Sides::base);
}

std::vector<double> Measurement::measure(const Logits& logits,
                                         const std::vector<std::int64_t>& prompts,
                                         const Prompt& (Sides::*tokens)(std::int64_t) const) const {
  std::vector<double> values(prompts.size());
  ctx_.parallel_for(std::ssize(prompts), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t prompt = prompts[static_cast<std::size_t>(i)];
      const auto [row, row_end] = logits.rows.of_prompt(static_cast<std::int32_t>(i));
      metrics::MetricInput input{.pair = sweep_.prompts.pairs[static_cast<std::size_t>(prompt)],
                                 .tokens = (sides_.*tokens)(prompt),
                                 .logits = logits.values[row_end - 1].flat(),
                                 .chosen = logits.tokens};
      if (sweep_.metric.reads == Reads::kEveryPosition) {
        input.every = logits.values.view().rows(row, row_end);
      }
      if (sweep_.metric.needs_clean) {
        input.clean = clean_.at(static_cast<std::int32_t>(prompt - first_), -1);
      }
      values[static_cast<std::size_t>(i)] = sweep_.metric.value(input);
    }
  });
  return values;
}

}  // namespace patchbay
