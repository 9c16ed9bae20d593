// Metrics: each turns the logits of one run of one prompt into one number.
//
// patchbay/metrics/NAME.cpp defines `const Metric& NAME()`; adding the file is all it takes.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "patchbay/prompts/prompt_set.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay::metrics {

/// The logits that a metric reads, so that a run computes no others.
enum class Reads {
  kAnswers,        ///< of the right and wrong answers, at the last position
  kLastPosition,   ///< of all tokens, at the last position
  kEveryPosition,  ///< of all tokens, at every position
};

/// One run of one prompt, as far as the metric reads it.
struct MetricInput {
  const PromptPair& pair;
  const Prompt& tokens;               ///< of the prompt that ran: the pair's clean or corrupted one
  std::span<const float> logits;      ///< at the last position: of all tokens, or of `chosen`
  std::span<const TokenId> chosen{};  ///< the tokens that `logits` are of; empty for all
  ConstTensorView every{};            ///< [pos, d_vocab], for kEveryPosition
  std::span<const float> clean{};     ///< [d_vocab] the clean run's, for needs_clean

  /// The logit of one token at the last position.
  [[nodiscard]] double logit(TokenId token) const;
  /// The mean logit of some tokens.
  [[nodiscard]] double mean_logit(std::span<const TokenId> of) const;
};

/// One metric. The same bits for the same logits, on every machine.
struct Metric {
  std::string_view name;
  std::string_view what;  ///< one line for people, with its unit
  Reads reads = Reads::kAnswers;
  bool needs_wrong = false;  ///< whether each pair must have wrong answers
  bool needs_clean = false;  ///< whether it compares with the clean run's distribution
  double (*value)(const MetricInput& input) = nullptr;
};

/// Every metric, by name.
const std::vector<const Metric*>& all();
/// The metric of that name. Throws kUsage with the nearest name.
const Metric& find(std::string_view name);

/// Throws kBadData, naming the pair, when a pair lacks what the metric compares.
void check_pairs(const Metric& metric, const PromptSet& prompts);

}  // namespace patchbay::metrics
