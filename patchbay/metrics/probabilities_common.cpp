#include "patchbay/metrics/probabilities_common.h"

#include "patchbay/tensor/softmax.h"

namespace patchbay::metrics {

std::vector<float> probabilities(std::span<const float> logits) {
  std::vector<float> row(logits.begin(), logits.end());
  softmax_row(row.data(), static_cast<std::int64_t>(row.size()));
  return row;
}

double log_sum_exp(std::span<const float> logits) {
  return log_sum_exp_row(logits.data(), static_cast<std::int64_t>(logits.size()));
}

double probability_of(std::span<const float> logits, std::span<const TokenId> tokens) {
  const std::vector<float> p = probabilities(logits);
  double sum = 0.0;
  for (const TokenId token : tokens) sum += p[static_cast<std::size_t>(token)];
  return sum;
}

double log_probability_of(std::span<const float> logits, std::span<const TokenId> tokens) {
  std::vector<float> chosen;
  for (const TokenId token : tokens) chosen.push_back(logits[static_cast<std::size_t>(token)]);
  return log_sum_exp(chosen) - log_sum_exp(logits);
}

}  // namespace patchbay::metrics
