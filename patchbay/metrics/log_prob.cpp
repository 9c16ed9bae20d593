// The log-probability of the right answer.
#include "patchbay/metrics/metric.h"
#include "patchbay/metrics/probabilities_common.h"

namespace patchbay::metrics {

const Metric& log_prob();

namespace {

double value(const MetricInput& input) {
  return log_probability_of(input.logits, input.pair.answers);
}

}  // namespace

const Metric& log_prob() {
  static const Metric metric = {
      .name = "log_prob",
      .what = "natural logarithm of the right answer's probability at END; of a set, of the sum",
      .reads = Reads::kLastPosition,
      .compute = &value,
  };
  return metric;
}

}  // namespace patchbay::metrics
