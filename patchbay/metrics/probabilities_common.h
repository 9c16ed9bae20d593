// Probabilities of logits, for the metrics that read whole distributions.
#pragma once

#include <span>
#include <vector>

#include "patchbay/text/byte_pair_encoding.h"

namespace patchbay::metrics {

/// softmax(logits), [d_vocab].
std::vector<float> probabilities(std::span<const float> logits);
/// ln Σ e^logit: what a logit has to lose to be a log-probability.
double log_sum_exp(std::span<const float> logits);
/// The probability of any of some tokens.
double probability_of(std::span<const float> logits, std::span<const TokenId> tokens);
/// The natural logarithm of that: the tokens' log-sum-exp less that of all tokens.
double log_probability_of(std::span<const float> logits, std::span<const TokenId> tokens);

}  // namespace patchbay::metrics
