#include "cli/finished_steps.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/model_source.h"
#include "cli/provenance.h"
#include "patchbay/base/error.h"
#include "patchbay/hub/load_model.h"
#include "patchbay/results/result_json.h"

namespace patchbay::cli {
namespace {

CellKey key_of(std::int64_t step) { return KeyMaker().add("finished").add(step).key(); }

}  // namespace

std::string study_line(const RunStudy& command, const Study& study) {
  std::vector<std::string> words = {"patchbay", "study", study.name};
  if (command.model) words.insert(words.end(), {"--model", *command.model});
  return shell_line(words);
}

WeightProcessing processing_of(const Study& study, const std::string& model) {
  WeightProcessing process = study.process;
  if (process == WeightProcessing{}) return process;
  if (hub::load_config(locate_model(model)).is_rms()) process.center_writing_weights = false;
  return process;
}

FinishedSteps::FinishedSteps(const Study& study, const ExperimentRun& run, const std::string& line,
                             const RunStudy& given, const std::string& folder)
    : folder_(folder) {
  const bool has_json = std::ranges::find(given.formats, "json") != given.formats.end();
  if (folder_.empty() || !has_json) return;
  std::string key = fmt::format("{}\n{}\n", line, fmt::join(given.formats, ","));
  for (const StudyStep& step : study.steps) {
    key += fmt::format("{}\n{}", step.id,
                       run.key(experiments::find(step.experiment), step.settings, step.prompts));
  }
  make_folder(folder_);
  store_.emplace(path_in(folder_, "study", ".partial"), key);
}

std::optional<EffectTable> FinishedSteps::find(std::int64_t step, const std::string& id) const {
  if (!store_ || !store_->find(key_of(step))) return std::nullopt;
  try {
    return read_result(path_in(folder_, id, ".json")).table;
  } catch (const Error&) {
    return std::nullopt;
  }
}

void FinishedSteps::add(std::int64_t step) {
  if (store_) store_->add(key_of(step), 0.0);
}

void FinishedSteps::remove() {
  if (store_) store_->remove();
}

}  // namespace patchbay::cli
