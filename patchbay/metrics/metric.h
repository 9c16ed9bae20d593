// Metrics: each turns the logits of one run of one prompt into one number.
//
// patchbay/metrics/NAME.cpp defines `const Metric& NAME()`; adding the file is all it takes.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "patchbay/base/guarded_function.h"
#include "patchbay/prompts/prompt_set.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay::metrics {

/// The logits that a metric reads, so that a run computes no others.
enum class Reads {
  kAnswers,        ///< the logits of the right and wrong answers, at the last position
  kLastPosition,   ///< the logits of all tokens, at the last position
  kEveryPosition,  ///< the logits of all tokens, at every position
};

/// One run of one prompt, as far as the metric reads it.
struct MetricInput {
  const PromptPair& pair;
  const Prompt& tokens;               ///< the prompt that ran: the pair's clean or corrupted one
  std::span<const float> logits;      ///< logits at the last position, of all tokens or of `chosen`
  std::span<const TokenId> chosen{};  ///< the tokens that `logits` are of; empty for all
  ConstTensorView every{};         ///< [pos, d_vocab] logits at every position, for kEveryPosition
  std::span<const float> clean{};  ///< [d_vocab] the clean run's logits, for needs_clean

  /// The logit of one token at the last position. Throws kUsage when `logits` has none of it.
  [[nodiscard]] double logit(TokenId token) const;
  /// The mean logit of some tokens. Throws kUsage when there are none.
  [[nodiscard]] double mean_logit(std::span<const TokenId> of) const;
};

/// One metric. The same logits give the same bits on every machine.
struct Metric {
  std::string_view name;
  std::string_view what;  ///< one line for people, with its unit
  Reads reads = Reads::kAnswers;
  bool needs_wrong = false;  ///< whether each pair must have wrong answers
  bool needs_clean = false;  ///< whether it compares with the clean run's distribution
  GuardedFunction<Metric, double(const MetricInput&)> compute{};  ///< what value() calls

  /// The metric's number for one run. Throws kUsage when the input lacks what the metric reads: the
  /// logits that `reads` names, right answers, wrong answers, or the clean run's logits.
  [[nodiscard]] double value(const MetricInput& input) const;
};

/// Every metric, by name.
const std::vector<const Metric*>& all();
/// The metric of that name. Throws kUsage with the nearest name.
const Metric& find(std::string_view name);

/// Throws kUsage for prompts that break a rule (PromptSet::check); kBadData, naming the pair, when
/// a pair lacks what the metric compares.
void check_pairs(const Metric& metric, const PromptSet& prompts);

}  // namespace patchbay::metrics
