#include "patchbay/metrics/metric.h"

#include <fmt/format.h>

#include <algorithm>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"

namespace patchbay::metrics {

double MetricInput::logit(TokenId token) const {
  const auto index =
      chosen.empty() ? static_cast<std::size_t>(token)
                     : static_cast<std::size_t>(std::ranges::find(chosen, token) - chosen.begin());
  PATCHBAY_ASSERT(index < logits.size());
  return logits[index];
}

double MetricInput::mean_logit(std::span<const TokenId> of) const {
  double sum = 0.0;
  for (const TokenId token : of) sum += logit(token);
  return sum / static_cast<double>(of.size());
}

const Metric& find(std::string_view name) {
  std::vector<std::string> names;
  for (const Metric* metric : all()) {
    if (metric->name == name) return *metric;
    names.emplace_back(metric->name);
  }
  throw Error(ErrorKind::kUsage, "metric",
              fmt::format("there is no metric \"{}\"{}; there are {}", name,
                          did_you_mean(name, names), fmt::join(names, ", ")));
}

void check_pairs(const Metric& metric, const PromptSet& prompts) {
  if (!metric.needs_wrong) return;
  for (std::size_t i = 0; i < prompts.pairs.size(); ++i) {
    if (!prompts.pairs[i].wrongs.empty()) continue;
    throw Error(ErrorKind::kBadData, prompts.task,
                fmt::format("prompt {} has no wrong answer, which {} compares with; give one, or "
                            "take a metric of the right answer alone",
                            i, metric.name));
  }
}

}  // namespace patchbay::metrics
