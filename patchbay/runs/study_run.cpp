#include "patchbay/runs/study_run.h"

#include <fmt/format.h>

#include <utility>

#include "patchbay/base/error.h"
#include "patchbay/hub/load_model.h"
#include "patchbay/runs/command_line.h"
#include "patchbay/runs/earlier_files.h"
#include "patchbay/runs/find_study.h"
#include "patchbay/runs/pictures.h"
#include "patchbay/runs/shard.h"
#include "patchbay/runs/study_pass.h"

namespace patchbay::runs {
namespace {

// What the study wants done to the weights, but for what a norm without centring cannot have.
WeightProcessing processing_of(const Study& study, const std::string& model,
                               const hub::Settings& settings) {
  WeightProcessing process = study.process;
  if (process == WeightProcessing{}) return process;
  if (hub::load_config(hub::find_model(model, settings)).is_rms()) {
    process.center_writing_weights = false;
  }
  return process;
}

Study study_of(const StudySpec& spec) {
  Study study = find_study(spec.study);
  if (spec.special) study.task_options.special = true;
  return study;
}

}  // namespace

ExperimentChoice choice_of(const StudyStep& step, std::map<std::string, std::string> settings) {
  ExperimentChoice choice{.name = step.experiment, .settings = std::move(settings)};
  if (step.prompts > 0) choice.prompt_limit = step.prompts;
  return choice;
}

StudyRun::StudyRun(const RunContext& ctx, const StudySpec& spec, const hub::Settings& settings)
    : ctx_(ctx),
      spec_(spec),
      study_(study_of(spec)),
      model_name_(spec.model.value_or(study_.model)),
      run_(ctx, model_name_, processing_of(study_, model_name_, settings),
           {.name = study_.task, .options = study_.task_options}, settings),
      is_reference_(study_.reference && study_.reference->is(run_.model().cfg())),
      line_(command_line(spec, study_.name)) {
  check();
}

std::optional<CircuitNames> StudyRun::names() const {
  std::optional<CircuitNames> names;
  if (study_.circuit) names.emplace(*study_.circuit, run_.model().cfg(), is_reference_);
  return names;
}

void StudyRun::check() const {
  const std::optional<CircuitNames> names = this->names();
  for (const StudyStep& step : study_.steps) {
    if (step.reference_only && !is_reference_) continue;
    try {
      run_.check(choice_of(step, names ? names->with_stand_ins(step.settings) : step.settings));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kUsage) throw;
      throw Error(ErrorKind::kBadConfig, "study",
                  fmt::format("{}: {}: {}", step.where, step.id, error.what()));
    }
  }
}

Question StudyRun::question() const {
  return Question(run_.provenance()).add("study", study_.name);
}

// Heads that are yet to be found are left out of what is compared: they follow from the rest.
void StudyRun::refuse_overwriting(const Output& output) const {
  if (output.folder.empty() || output.overwrite) return;
  refuse_other_study(output.folder, study_.name, output.formats);
  const std::optional<CircuitNames> names = this->names();
  for (const StudyStep& step : study_.steps) {
    if (step.reference_only && !is_reference_) continue;
    Question question = run_.question(
        choice_of(step, names ? names->with_stand_ins(step.settings) : step.settings));
    for (const auto& [name, value] : step.settings) {
      if (value.find('{') != std::string::npos) question.remove(name);
    }
    refuse_other_result(output.folder, step.id, question);
  }
}

StudyOutcome StudyRun::result(const Output& output, const StudyObserver& observer) const {
  check_formats(output.formats, true);
  refuse_overwriting(output);
  return StudyPass(ctx_, *this, line_, names(), output, observer).whole();
}

void StudyRun::run_shard(const Output& output, const Shard& shard,
                         const std::map<std::string, std::string>& notes,
                         const StudyObserver& observer) const {
  check_formats(output.formats, true);
  check_shard(shard, output);
  Output own = output;
  own.folder = shard_folder(output.folder, shard).string();
  refuse_overwriting(output);
  refuse_overwriting(own);
  StudyPass(ctx_, *this, line_, names(), own, observer).part(shard);
  finish_shard(output.folder, shard, {.what = spec_, .formats = output.formats, .notes = notes});
}

}  // namespace patchbay::runs
