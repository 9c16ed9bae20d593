// The rank of the right answer among all tokens.
#include <algorithm>

#include "patchbay/metrics/metric.h"

namespace patchbay::metrics {

const Metric& rank();

namespace {

double value(const MetricInput& input) {
  double best = input.logit(input.pair.answers.front());
  for (const TokenId token : input.pair.answers) best = std::max(best, input.logit(token));
  const auto above =
      std::ranges::count_if(input.logits, [best](float logit) { return logit > best; });
  return 1.0 + static_cast<double>(above);
}

}  // namespace

const Metric& rank() {
  static const Metric metric = {
      .name = "rank",
      .what = "1 + the number of tokens whose logit at END is above the right answer's",
      .reads = Reads::kLastPosition,
      .compute = &value,
  };
  return metric;
}

}  // namespace patchbay::metrics
