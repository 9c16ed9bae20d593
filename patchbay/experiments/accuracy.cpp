// How well the model does the task, without patching: every metric of each prompt, clean and
// corrupted, and what it says instead.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "patchbay/base/error.h"
#include "patchbay/experiments/columns_common.h"

namespace patchbay::experiments {

const Experiment& accuracy();

namespace {

constexpr OptionInfo kOptions[] = {
    {"metrics", "accuracy,io_over_s,logit_diff,prob,wrong_prob,rank",
     "which numbers of each prompt; wrong_prob is the probability of the wrong answer"},
};

// Throws kUsage for names that are no number of one run's last position, and for the same twice,
// since they are an axis.
std::vector<std::string> metric_names(const Settings& settings) {
  const auto fail = [](const std::string& what) {
    throw Error(ErrorKind::kUsage, "--metrics", what);
  };
  std::vector<std::string> names = settings.list("metrics");
  for (const std::string& name : names) {
    if (std::ranges::count(names, name) > 1) fail(fmt::format("{} is there twice", name));
    if (name == "wrong_prob") continue;
    const metrics::Metric& metric = metrics::find(name);
    if (metric.reads == metrics::Reads::kEveryPosition || metric.needs_clean) {
      fail(fmt::format("{} is not a number of the last position of one run", name));
    }
  }
  return names;
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

void check(const Request& request) { (void)metric_names(request.settings); }

EffectTable run(const Request& request) {
  const PromptSet& prompts = request.prompts;
  const std::vector<std::string> names = metric_names(request.settings);
  EffectTable table;
  table.experiment = "accuracy";
  table.options = request.settings.recorded();
  table.metric = "as the axis says";
  table.effect = EffectKind::kRaw;
  table.axes = {{"side", {"clean", "corrupted"}}, {"metric", names}, prompt_axis(prompts)};
  table.columns = prompt_columns(request.model, prompts);
  const std::size_t n = prompts.pairs.size();
  for (const bool clean : {true, false}) {
    const std::vector<Prompt> tokens = clean ? prompts.clean() : prompts.corrupted();
    const Logits logits = last_logits(request.ctx, request.model, tokens);
    TextColumn predicted{clean ? "predicted" : "predicted when corrupted", {}};
    std::vector<double> values(names.size() * n);
    for (std::size_t i = 0; i < n; ++i) {
      const PromptPair& pair = prompts.pairs[i];
      PromptPair exchanged = pair;
      std::swap(exchanged.answers, exchanged.wrongs);
      const auto at_end = logits.at(static_cast<std::int32_t>(i), -1);
      const auto best = std::ranges::max_element(at_end) - at_end.begin();
      predicted.texts.push_back(token_text(request.model, static_cast<TokenId>(best)));
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

}  // namespace

const Experiment& accuracy() {
  static constexpr Experiment kExperiment = {
      .name = "accuracy",
      .summary = "how well the model does the task: a line per prompt",
      .options = kOptions,
      .run = &run,
      .check = &check};
  return kExperiment;
}

}  // namespace patchbay::experiments
