// The cross-entropy of the right answer.
#include "patchbay/metrics/metric.h"
#include "patchbay/metrics/probabilities_common.h"

namespace patchbay::metrics {

const Metric& cross_entropy();

namespace {

double value(const MetricInput& input) {
  return -log_probability_of(input.logits, input.pair.answers);
}

}  // namespace

const Metric& cross_entropy() {
  static const Metric metric = {
      .name = "cross_entropy",
      .what = "minus the natural logarithm of the right answer's probability at END, in nats",
      .reads = Reads::kLastPosition,
      .compute = &value,
  };
  return metric;
}

}  // namespace patchbay::metrics
