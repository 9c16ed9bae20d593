// The probability of the right answer.
#include "patchbay/metrics/metric.h"
#include "patchbay/metrics/probabilities_common.h"

namespace patchbay::metrics {

const Metric& prob();

namespace {

double value(const MetricInput& input) { return probability_of(input.logits, input.pair.answers); }

}  // namespace

const Metric& prob() {
  static const Metric metric = {
      .name = "prob",
      .what = "probability of the right answer at END, 0 to 1; of a set, the sum",
      .reads = Reads::kLastPosition,
      .compute = &value,
  };
  return metric;
}

}  // namespace patchbay::metrics
