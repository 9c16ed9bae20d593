// The probability difference of Hanna et al. (2023), for sets of answers.
#include "patchbay/metrics/metric.h"
#include "patchbay/metrics/probabilities_common.h"

namespace patchbay::metrics {

const Metric& prob_diff();

namespace {

double value(const MetricInput& input) {
  const std::vector<float> p = probabilities(input.logits);
  double difference = 0.0;
  for (const TokenId token : input.pair.answers) difference += p[static_cast<std::size_t>(token)];
  for (const TokenId token : input.pair.wrongs) difference -= p[static_cast<std::size_t>(token)];
  return difference;
}

}  // namespace

const Metric& prob_diff() {
  static const Metric metric = {
      .name = "prob_diff",
      .what = "probability of all right answers less that of all wrong ones, at END, -1 to 1",
      .reads = Reads::kLastPosition,
      .needs_wrong = true,
      .compute = &value,
  };
  return metric;
}

}  // namespace patchbay::metrics
