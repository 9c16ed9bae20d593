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
#include "patchbay/runs/files.h"
#include "patchbay/runs/finished_values.h"
#include "patchbay/runs/pictures.h"
#include "patchbay/runs/provenance.h"
#include "patchbay/runs/shard.h"

namespace patchbay::runs {
namespace {

// An experiment by name with its settings: all that runs/ knows of experiments.
struct Chosen {
  explicit Chosen(const ExperimentChoice& choice)
      : experiment(experiments::find(choice.name)),
        settings(experiment.name, experiment.options, choice.settings) {}

  const experiments::Experiment& experiment;
  experiments::Settings settings;
};

}  // namespace

Run::Run(const RunContext& ctx, const std::string& model, const WeightProcessing& process,
         const TaskChoice& task, const hub::Settings& settings)
    : ctx_(ctx),
      spec_{.model = model, .process = process, .task = task, .experiment = {}},
      found_(hub::find_model(model, settings)),
      model_(hub::load_model(ctx, found_, process)),
      prompts_(make_prompts(model_, task.name, task.options)),
      provenance_(provenance_of(ctx, found_, model_, prompts_)) {}

tasks::TaskOptions Run::task_options() const {
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
  const Chosen chosen(experiment);
  const PromptSet prompts = prompts_of(experiment);
  chosen.experiment.check(
      {.ctx = ctx_, .model = model_, .prompts = prompts, .settings = chosen.settings});
}

std::string Run::key(const ExperimentChoice& experiment) const {
  const Chosen chosen(experiment);
  std::string key =
      fmt::format("{}\n{}\n{}\n{}\n{}\n", provenance_.version, provenance_.model_sha256,
                  fmt::join(provenance_.weight_processing, ","),
                  tokens_sha256(prompts_of(experiment)), chosen.experiment.name);
  for (const Option& option : chosen.settings.recorded()) {
    key += fmt::format("{}={}\n", option.name, std::get<std::string>(option.value));
  }
  return key;
}

EffectTable Run::table(const ExperimentChoice& experiment, const PromptSet& prompts,
                       Journal* journal) const {
  const Chosen chosen(experiment);
  return chosen.experiment.run({.ctx = ctx_,
                                .model = model_,
                                .prompts = prompts,
                                .settings = chosen.settings,
                                .journal = journal});
}

Result Run::result(const ExperimentChoice& experiment, const Output& output) const {
  Result result = this->result(
      experiment, output, {.stem = experiment.name, .command = command_line(spec(experiment))});
  if (output.folder.empty()) return result;
  for (auto& path :
       write_pictures({.table = result.table}, output.folder, experiment.name, output.formats)) {
    result.files.push_back(std::move(path));
  }
  return result;
}

Result Run::result(const ExperimentChoice& experiment, const Output& output,
                   const Step& step) const {
  const PromptSet prompts = prompts_of(experiment);
  std::optional<FinishedValues> finished;
  if (!output.folder.empty()) finished.emplace(output.folder, step.stem, key(experiment));
  Result result{table(experiment, prompts, finished ? finished->journal() : nullptr)};
  result.table.provenance = provenance_;
  result.table.provenance.command = step.command;
  result.table.provenance.tokens_sha256 = tokens_sha256(prompts);
  result.table.check();
  if (finished) {
    result.files = write_table(result.table, output.folder, step.stem, output.formats);
    finished->remove();
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
  check_shard(shard, output);
  run_shard(experiment, shard_folder(output.folder, shard).string(), experiment.name, shard);
  finish_shard(output.folder, shard,
               {.what = spec(experiment), .formats = output.formats, .notes = notes});
}

void Run::run_shard(const ExperimentChoice& experiment, const std::string& folder,
                    const std::string& stem, const Shard& shard) const {
  FinishedValues finished(folder, stem, key(experiment), shard);
  (void)table(experiment, prompts_of(experiment), finished.journal());
}

bool can_be_sharded(const ExperimentChoice& experiment) {
  return experiments::find(experiment.name).can_be_sharded;
}

}  // namespace patchbay::runs
