// Probabilities of logits, for the metrics that read whole distributions. Nothing is checked here:
// Metric::value has checked the tokens.
#pragma once

#include <span>
#include <vector>

#include "patchbay/text/byte_pair_encoding.h"

namespace patchbay::metrics {

/// softmax(logits), [d_vocab].
std::vector<float> probabilities(std::span<const float> logits);
/// ln Σ e^logit: what a logit has to lose to be a log-probability.
double log_sum_exp(std::span<const float> logits);
/// The probability that the next token is one of some tokens, which `logits` has.
double probability_of(std::span<const float> logits, std::span<const TokenId> tokens);
/// The natural logarithm of the probability that the next token is one of some tokens: their
/// log-sum-exp less that of all tokens.
double log_probability_of(std::span<const float> logits, std::span<const TokenId> tokens);

}  // namespace patchbay::metrics
