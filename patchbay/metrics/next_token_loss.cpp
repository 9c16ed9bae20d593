// The language-modelling loss over a whole prompt.
#include "patchbay/metrics/metric.h"
#include "patchbay/metrics/probabilities_common.h"

namespace patchbay::metrics {

const Metric& next_token_loss();

namespace {

double value(const MetricInput& input) {
  const auto predicted = static_cast<std::int64_t>(input.tokens.size()) - 1;
  double loss = 0.0;
  for (std::int64_t position = 0; position < predicted; ++position) {
    const TokenId next = input.tokens[static_cast<std::size_t>(position) + 1];
    loss -= log_probability_of(input.every[position].flat(), {&next, 1});
  }
  return loss / static_cast<double>(predicted);
}

}  // namespace

const Metric& next_token_loss() {
  static const Metric metric = {
      .name = "next_token_loss",
      .what = "mean cross-entropy of every next token of the prompt, in nats",
      .reads = Reads::kEveryPosition,
      .compute = &value,
  };
  return metric;
}

}  // namespace patchbay::metrics
