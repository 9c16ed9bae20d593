// How far the next token's distribution is from the clean run's.
#include "patchbay/metrics/metric.h"
#include "patchbay/metrics/probabilities_common.h"

namespace patchbay::metrics {

const Metric& kl_divergence();

namespace {

double value(const MetricInput& input) {
  const std::vector<float> p = probabilities(input.clean);
  const double shift_p = log_sum_exp(input.clean);
  const double shift_q = log_sum_exp(input.logits);
  double divergence = 0.0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double log_p = double{input.clean[i]} - shift_p;
    const double log_q = double{input.logits[i]} - shift_q;
    divergence += double{p[i]} * (log_p - log_q);
  }
  return divergence;
}

}  // namespace

const Metric& kl_divergence() {
  static const Metric metric = {
      .name = "kl_divergence",
      .what = "KL(clean || patched) of the next token's distribution at END, in nats",
      .reads = Reads::kLastPosition,
      .needs_clean = true,
      .compute = &value,
  };
  return metric;
}

}  // namespace patchbay::metrics
