// Whether the likeliest token is a right answer.
#include <algorithm>

#include "patchbay/metrics/metric.h"

namespace patchbay::metrics {

const Metric& accuracy();

namespace {

double value(const MetricInput& input) {
  const auto best = std::ranges::max_element(input.logits) - input.logits.begin();
  const bool right = std::ranges::find(input.pair.answers, best) != input.pair.answers.end();
  return right ? 1.0 : 0.0;
}

}  // namespace

const Metric& accuracy() {
  static const Metric metric = {
      .name = "accuracy",
      .what = "1 where the likeliest of all tokens at END is a right answer, else 0",
      .reads = Reads::kLastPosition,
      .compute = &value,
  };
  return metric;
}

}  // namespace patchbay::metrics
