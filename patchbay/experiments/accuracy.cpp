#include "patchbay/experiments/accuracy.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "patchbay/base/error.h"
#include "patchbay/experiments/columns_common.h"

namespace patchbay::experiments {
namespace {

// Throws FieldError for names that are no number of one run's last position, and for the same
// twice, since they are an axis.
void check_metrics(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (std::ranges::count(names, name) > 1) {
      throw FieldError("metrics", fmt::format("{} is given twice", name));
    }
    if (name == "wrong_prob") continue;
    const metrics::Metric& metric = metrics::find(name);
    if (metric.reads == metrics::Reads::kEveryPosition || metric.needs_clean) {
      throw FieldError("metrics",
                       fmt::format("{} is not a number of the last position of one run", name));
    }
  }
}

// The probability of the wrong answer is that of the right one with the two exchanged.
double measure(const std::string& name, metrics::MetricInput input, const PromptPair& exchanged) {
  const bool wrong = name == "wrong_prob";
  const metrics::Metric& metric = metrics::find(wrong ? "prob" : name);
  if ((wrong || metric.needs_wrong) && input.pair.wrongs.empty()) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (!wrong) return metric.value(input);
  return metric.value({.pair = exchanged, .tokens = input.tokens, .logits = input.logits});
}

}  // namespace

void check(Session& /*session*/, const Accuracy& settings) {
  check_values(settings);
  check_metrics(settings.metrics);
}

EffectTable run(Session& session, const Accuracy& settings) {
  check(session, settings);
  const PromptSet& prompts = session.prompts();
  const std::vector<std::string>& names = settings.metrics;
  EffectTable table = table_of(settings);
  table.metric = "as the axis says";
  table.effect = EffectKind::kRaw;
  const std::vector<std::string> sides = side_names(prompts);
  table.axes = {{"side", sides}, {"metric", names}, prompt_axis(prompts)};
  table.columns = prompt_columns(session.model(), prompts);
  const std::size_t n = prompts.pairs.size();
  for (const std::string& side : sides) {
    const bool clean = side == "clean";
    const std::vector<Prompt> tokens = clean ? prompts.clean() : prompts.corrupted();
    const Logits logits = last_logits(session.ctx(), session.model(), tokens);
    TextColumn predicted{clean ? "predicted" : "predicted when corrupted", {}};
    std::vector<double> values(names.size() * n);
    for (std::size_t i = 0; i < n; ++i) {
      const PromptPair& pair = prompts.pairs[i];
      PromptPair exchanged = pair;
      std::swap(exchanged.answers, exchanged.wrongs);
      const auto at_end = logits.at(static_cast<std::int32_t>(i), -1);
      const auto best = std::ranges::max_element(at_end) - at_end.begin();
      predicted.texts.push_back(token_text(session.model(), static_cast<TokenId>(best)));
      for (std::size_t name = 0; name < names.size(); ++name) {
        values[name * n + i] =
            measure(names[name], {.pair = pair, .tokens = tokens[i], .logits = at_end}, exchanged);
      }
    }
    table.values.insert(table.values.end(), values.begin(), values.end());
    table.columns.push_back(std::move(predicted));
  }
  return table;
}

const Experiment& accuracy() { return experiment_of<Accuracy>(); }

}  // namespace patchbay::experiments
