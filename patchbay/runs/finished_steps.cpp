#include "patchbay/runs/finished_steps.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "patchbay/base/error.h"
#include "patchbay/results/result_json.h"
#include "patchbay/runs/files.h"

namespace patchbay::runs {

ExperimentChoice choice_of(const StudyStep& step, std::map<std::string, std::string> settings) {
  ExperimentChoice choice{.name = step.experiment, .settings = std::move(settings)};
  if (step.prompts > 0) choice.prompt_limit = step.prompts;
  return choice;
}

FinishedSteps::FinishedSteps(const Study& study, const Run& run, const std::string& line,
                             const Output& output)
    : folder_(output.folder) {
  const bool has_json = std::ranges::find(output.formats, "json") != output.formats.end();
  if (folder_.empty() || !has_json) return;
  std::string key = fmt::format("{}\n{}\n", line, fmt::join(output.formats, ","));
  for (const StudyStep& step : study.steps) {
    key += fmt::format("{}\n{}", step.id, run.key(choice_of(step, step.settings)));
  }
  finished_.emplace(folder_, "study", key);
}

std::optional<EffectTable> FinishedSteps::find(std::int64_t step, const std::string& id) const {
  if (!finished_ || !finished_->has(step)) return std::nullopt;
  try {
    return read_result(path_in(folder_, id, ".json")).table;
  } catch (const Error&) {
    return std::nullopt;
  }
}

void FinishedSteps::add(std::int64_t step) {
  if (finished_) finished_->add(step);
}

void FinishedSteps::remove() {
  if (finished_) finished_->remove();
}

}  // namespace patchbay::runs
