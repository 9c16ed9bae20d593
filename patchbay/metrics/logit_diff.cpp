// The logit difference of Wang et al. (2022): logit(right) − logit(wrong).
#include "patchbay/metrics/metric.h"

namespace patchbay::metrics {

const Metric& logit_diff();

namespace {

double value(const MetricInput& input) {
  return input.mean_logit(input.pair.answers) - input.mean_logit(input.pair.wrongs);
}

}  // namespace

const Metric& logit_diff() {
  static const Metric metric = {
      .name = "logit_diff",
      .what = "logit of the right answer less that of the wrong one, at END; of sets, their means",
      .reads = Reads::kAnswers,
      .needs_wrong = true,
      .compute = &value,
  };
  return metric;
}

}  // namespace patchbay::metrics
