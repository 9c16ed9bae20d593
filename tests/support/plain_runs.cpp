#include "tests/support/plain_runs.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "patchbay/base/split_mix.h"
#include "patchbay/model/row_edits.h"
#include "patchbay/patching/gaussian.h"

namespace patchbay {

namespace {

// In an activation of one prompt, [1, head_index, query_pos, key_pos] or [1, pos, …].
std::int64_t offset_of(const Shape& shape, const Piece& piece) {
  if (!is_attention(piece.name.point)) {
    return piece.position * shape.tail().tail().size() + piece.begin;
  }
  const std::int64_t pos = shape[3];
  return (piece.begin / pos * pos + piece.position) * pos + piece.begin % pos;
}

}  // namespace

float* at(TensorView activation, const Piece& piece) {
  return activation.data() + offset_of(activation.shape(), piece);
}

const float* at(const Tensor& activation, const Piece& piece) {
  return activation.data() + offset_of(activation.shape(), piece);
}

void add_writes(const std::vector<Written>& values, Hooks& hooks) {
  for (const Written& written : values) {
    hooks.add(written.piece.name, [&written](TensorView activation, const HookName&) {
      std::ranges::copy(written.values, at(activation, written.piece));
    });
  }
}

PlainRuns::PlainRuns(const RunContext& ctx, const HookedTransformer& model,
                     const PromptSet& prompts, Direction direction, const Source& source,
                     const metrics::Metric& metric)
    : ctx_(ctx),
      model_(model),
      prompts_(prompts),
      direction_(direction),
      source_(source),
      metric_(metric) {}

const Prompt& PlainRuns::side(std::int64_t prompt, bool of_base) const {
  const PromptPair& pair = prompts_.pairs[static_cast<std::size_t>(prompt)];
  return (direction_ == Direction::kNoise) == of_base ? pair.clean : pair.corrupted;
}

PairSides PlainRuns::positions(std::int64_t prompt) const {
  const auto of = [&](std::int64_t of_prompt, bool of_base) -> const std::vector<TokenSpan>& {
    const PromptPair& pair = prompts_.pairs[static_cast<std::size_t>(of_prompt)];
    return (direction_ == Direction::kNoise) == of_base ? pair.positions : pair.corrupted_positions;
  };
  const auto& read = source_.kind == SourceKind::kResample ? of(resampled(prompt), true)
                     : source_.kind == SourceKind::kGaussian || source_.kind == SourceKind::kZero
                         ? of(prompt, true)
                         : of(prompt, false);
  return {std::ssize(base(prompt)), of(prompt, true), read};
}

// Drawn once for all prompts, in their order, from those of the same length.
std::int64_t PlainRuns::resampled(std::int64_t prompt) const {
  SplitMix64 random(source_.seed);
  std::int64_t drawn = -1;
  for (std::int64_t i = 0; i <= prompt; ++i) {
    std::vector<std::int64_t> candidates;
    for (std::int64_t j = 0; j < prompts_.size(); ++j) {
      if (j != i && base(j).size() == base(i).size()) candidates.push_back(j);
    }
    drawn = candidates[random.below(candidates.size())];
  }
  return drawn;
}

const Tensor& PlainRuns::recorded(const Prompt& tokens, const HookName& name) const {
  auto known = recorded_.find({tokens, name});
  if (known == recorded_.end()) {
    const NamesFilter keep([&](const HookName& other) { return other == name; });
    const ActivationCache cache = model_.run_with_cache(ctx_, {tokens}, keep).second;
    known = recorded_.emplace(std::pair(tokens, name), Tensor::copy_of(cache[name])).first;
  }
  return known->second;
}

// In double precision, prompt after prompt.
std::vector<float> PlainRuns::mean(std::int64_t prompt, const Piece& piece) const {
  const auto count = static_cast<std::size_t>(piece.count);
  std::vector<double> sums(count);
  std::int64_t rows = 0;
  for (std::int64_t i = 0; i < prompts_.size(); ++i) {
    const bool all_positions = source_.kind == SourceKind::kMean;
    const auto& group = prompts_.pairs[static_cast<std::size_t>(i)].group;
    const auto& own_group = prompts_.pairs[static_cast<std::size_t>(prompt)].group;
    if (!all_positions && other(i).size() != other(prompt).size()) continue;
    if (source_.kind == SourceKind::kMeanByTemplate && group != own_group) continue;
    const Tensor& activation = recorded(other(i), piece.name);
    Piece read{piece.name, piece.source_position, piece.source_begin, 0, 0, piece.count};
    const auto length = static_cast<std::int32_t>(other(i).size());
    for (std::int32_t position = 0; position < length; ++position) {
      if (!all_positions && position != piece.source_position) continue;
      read.position = position;
      const float* const values = at(activation, read);
      for (std::size_t k = 0; k < count; ++k) sums[k] += values[k];
      ++rows;
    }
  }
  std::vector<float> means;
  for (const double sum : sums) {
    means.push_back(static_cast<float>(sum / static_cast<double>(rows)));
  }
  return means;
}

std::vector<Written> PlainRuns::source_values(std::int64_t prompt,
                                              const std::vector<Piece>& pieces) const {
  std::vector<Written> written;
  for (const Piece& piece : pieces) {
    const auto count = static_cast<std::size_t>(piece.count);
    Written one{piece, std::vector<float>(count)};
    const Piece read{piece.name, piece.source_position, piece.source_begin, 0, 0, piece.count};
    const auto copy_from = [&](const Prompt& tokens) {
      std::copy_n(at(recorded(tokens, piece.name), read), count, one.values.begin());
    };
    switch (source_.kind) {
      case SourceKind::kOtherRun:
        copy_from(other(prompt));
        break;
      case SourceKind::kResample:
        copy_from(base(resampled(prompt)));
        break;
      case SourceKind::kGaussian: {
        copy_from(base(prompt));
        // One stream for the activation of a prompt: its rows in order, attention head by head.
        Gaussian gaussian(mixed_seed({source_.seed, static_cast<std::uint64_t>(prompt),
                                      static_cast<std::uint64_t>(piece.name.layer),
                                      static_cast<std::uint64_t>(info(piece.name.point).number)}));
        const std::int64_t width = row_width(model_.cfg(), piece.name, std::ssize(base(prompt)));
        const std::int64_t first = read.position * width + read.begin;
        for (std::int64_t i = 0; i < first; ++i) (void)gaussian.next();
        for (float& value : one.values) {
          value += static_cast<float>(source_.sigma * gaussian.next());
        }
        break;
      }
      case SourceKind::kZero:
        break;
      default:
        one.values = mean(prompt, piece);
    }
    written.push_back(std::move(one));
  }
  return written;
}

double PlainRuns::measure(const Logits& logits, std::int64_t prompt, bool of_base) const {
  const PromptPair& pair = prompts_.pairs[static_cast<std::size_t>(prompt)];
  metrics::MetricInput input{.pair = pair,
                             .tokens = side(prompt, of_base),
                             .logits = logits.at(0, -1),
                             .every = logits.values.view()};
  Logits clean;
  if (metric_.needs_clean) {
    clean = model_.run(ctx_, {pair.clean});
    if (direction_ == Direction::kNoise) clean = run(prompt, {});
    input.clean = clean.at(0, -1);
  }
  return metric_.value(input);
}

void PlainRuns::add_baselines(std::int64_t prompt, const Hooks& hooks, Baselines& baselines) const {
  const bool noise = direction_ == Direction::kNoise;
  (noise ? baselines.clean : baselines.corrupted)
      .push_back(measure(run(prompt, hooks), prompt, true));
  (noise ? baselines.corrupted : baselines.clean)
      .push_back(measure(model_.run(ctx_, {other(prompt)}), prompt, false));
}

Logits PlainRuns::run(std::int64_t prompt, const Hooks& hooks) const {
  return model_.run_with_hooks(ctx_, {base(prompt)}, hooks);
}

std::int64_t count_unchanged(const SweepResult& result, Direction direction) {
  const std::vector<double>& base =
      direction == Direction::kDenoise ? result.baselines.corrupted : result.baselines.clean;
  std::int64_t unchanged = 0;
  for (std::size_t begin = 0; begin < result.values.size(); begin += base.size()) {
    bool same = true;
    for (std::size_t i = 0; i < base.size(); ++i) {
      same = same && std::bit_cast<std::uint64_t>(result.values[begin + i]) ==
                         std::bit_cast<std::uint64_t>(base[i]);
    }
    if (same) ++unchanged;
  }
  return unchanged;
}

}  // namespace patchbay
