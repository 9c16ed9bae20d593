#include "patchbay/runs/run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "patchbay/base/error.h"
#include "patchbay/experiments/experiment.h"
#include "patchbay/hub/load_model.h"
#include "patchbay/runs/command_line.h"
#include "patchbay/runs/earlier_files.h"
#include "patchbay/runs/files.h"
#include "patchbay/runs/finished_values.h"
#include "patchbay/runs/pictures.h"
#include "patchbay/runs/provenance.h"
#include "patchbay/runs/shard.h"

namespace patchbay::runs {
namespace {

experiments::ConfiguredExperiment configured(const ExperimentChoice& choice) {
  return experiments::find(choice.name).with(choice.settings);
}

}  // namespace

Run::Run(const RunContext& ctx, const std::string& model, const WeightProcessing& process,
         const TaskChoice& task, const hub::Settings& settings)
    : ctx_(ctx),
      spec_{.model = model, .process = process, .task = task, .experiment = {}},
      found_(hub::find_model(model, settings)),
      model_(hub::load_model(ctx, found_, process)),
      prompts_(make_prompts(model_, task.name, task.options)),
      provenance_(provenance_of(ctx, found_, model_, prompts_)) {}

tasks::CompletedOptions Run::task_options() const {
  const tasks::TaskModel model = {
      .cfg = model_.cfg(), .tokenizer = model_.has_tokenizer() ? &model_.tokenizer() : nullptr};
  return tasks::completed(model, spec_.task.name, spec_.task.options);
}

RunSpec Run::spec(const ExperimentChoice& experiment) const {
  RunSpec spec = spec_;
  spec.experiment = experiment;
  return spec;
}

PromptSet Run::prompts_of(const ExperimentChoice& experiment) const {
  PromptSet first = prompts_;
  const std::int64_t limit = experiment.prompt_limit.value_or(first.size());
  if (limit < 1) throw Error(ErrorKind::kUsage, "prompt_limit", "is less than 1; give 1 or more");
  if (limit < first.size()) first.pairs.resize(static_cast<std::size_t>(limit));
  return first;
}

void Run::check(const ExperimentChoice& experiment) const {
  const PromptSet prompts = prompts_of(experiment);
  Session own = session().with(prompts);
  configured(experiment).check(own);
}

std::string Run::scope() const {
  return fmt::format("{}\n{}\n{}\n", provenance_.version, provenance_.model_sha256,
                     fmt::join(provenance_.weight_processing, ","));
}

std::string Run::key(const ExperimentChoice& experiment) const {
  std::string key =
      fmt::format("{}{}\n{}\n", scope(), tokens_sha256(prompts_of(experiment)), experiment.name);
  for (const Option& option : configured(experiment).options) {
    key += fmt::format("{}={}\n", option.name, std::get<std::string>(option.value));
  }
  return key;
}

Session Run::session(CellStore* store) const {
  Session session(ctx_, model_, prompts_, store);
  session.set_weights_sha256(provenance_.model_sha256);
  return session;
}

Question Run::question(const ExperimentChoice& experiment) const {
  EffectTable table;
  table.experiment = experiment.name;
  table.options = configured(experiment).recorded;
  table.provenance = provenance_;
  table.provenance.tokens_sha256 = tokens_sha256(prompts_of(experiment));
  return question_of(table);
}

Result Run::step(const Session& session, const ExperimentChoice& experiment, const Output& output,
                 const Step& step) const {
  const PromptSet prompts = prompts_of(experiment);
  Session own = session.with(prompts);
  Result result{configured(experiment).run(own)};
  result.table.provenance = provenance_;
  result.table.provenance.command = step.command;
  result.table.provenance.tokens_sha256 = tokens_sha256(prompts);
  if (prompts.left_out > 0) {
    result.table.notes.push_back(fmt::format(
        "{} prompts of the file do not fit and are left out; its {} others are what n counts",
        prompts.left_out, prompts_.size()));
  }
  result.table.check();
  if (!output.folder.empty()) {
    make_folder(output.folder);
    make_way_for(output.folder, step.stem, question_of(result.table), output.formats);
    result.files = write_table(result.table, output.folder, step.stem, output.formats);
  }
  return result;
}

void Run::compute(const Session& session, const ExperimentChoice& experiment) const {
  const PromptSet prompts = prompts_of(experiment);
  Session own = session.with(prompts);
  (void)configured(experiment).run(own);
}

Result Run::result(const ExperimentChoice& experiment, const Output& output) const {
  check_formats(output.formats, false);
  std::optional<FinishedValues> finished;
  if (!output.folder.empty()) {
    const Question own = question(experiment);
    if (!output.overwrite) refuse_other_result(output.folder, experiment.name, own);
    finished.emplace(output.folder, experiment.name, own, output.overwrite);
  }
  const Session own = session(finished ? &finished->store() : nullptr);
  Result result = step(own.for_last_question(), experiment, output,
                       {.stem = experiment.name, .command = command_line(spec(experiment))});
  if (!finished) return result;
  finished->remove();
  for (auto& path :
       write_pictures({.table = result.table}, output.folder, experiment.name, output.formats)) {
    result.files.push_back(std::move(path));
  }
  return result;
}

void Run::run_shard(const ExperimentChoice& experiment, const Output& output, const Shard& shard,
                    const std::map<std::string, std::string>& notes) const {
  if (!can_be_sharded(experiment)) {
    throw Error(ErrorKind::kUsage, "`shard`",
                fmt::format("{} cannot be sharded: what it asks next depends on what it found, or "
                            "it is one short pass; run it whole",
                            experiment.name));
  }
  check_formats(output.formats, false);
  check_shard(shard, output);
  const Question own = question(experiment);
  if (!output.overwrite) refuse_other_result(output.folder, experiment.name, own);
  FinishedValues finished(shard_folder(output.folder, shard).string(), experiment.name, own,
                          output.overwrite);
  compute(session(&finished.store()).for_last_question().part(shard), experiment);
  finish_shard(output.folder, shard,
               {.what = spec(experiment), .formats = output.formats, .notes = notes});
}

bool can_be_sharded(const ExperimentChoice& experiment) {
  return experiments::find(experiment.name).can_be_sharded;
}

}  // namespace patchbay::runs
