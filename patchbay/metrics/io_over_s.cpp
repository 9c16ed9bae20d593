// Whether the right answer is above the wrong one.
#include "patchbay/metrics/metric.h"

namespace patchbay::metrics {

const Metric& io_over_s();

namespace {

double value(const MetricInput& input) {
  return input.mean_logit(input.pair.answers) > input.mean_logit(input.pair.wrongs) ? 1.0 : 0.0;
}

}  // namespace

const Metric& io_over_s() {
  static const Metric metric = {
      .name = "io_over_s",
      .what = "1 where the logit difference at END is above 0, else 0",
      .reads = Reads::kAnswers,
      .needs_wrong = true,
      .compute = &value,
  };
  return metric;
}

}  // namespace patchbay::metrics
