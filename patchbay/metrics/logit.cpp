// The logit of the right answer.
#include "patchbay/metrics/metric.h"

namespace patchbay::metrics {

const Metric& logit();

namespace {

double value(const MetricInput& input) { return input.mean_logit(input.pair.answers); }

}  // namespace

const Metric& logit() {
  static const Metric metric = {
      .name = "logit",
      .what = "logit of the right answer at END; of a set, the mean",
      .reads = Reads::kAnswers,
      .compute = &value,
  };
  return metric;
}

}  // namespace patchbay::metrics
