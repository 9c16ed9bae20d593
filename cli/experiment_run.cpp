#include "cli/experiment_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <optional>
#include <system_error>

#include "cli/field_errors.h"
#include "cli/model_source.h"
#include "cli/output.h"
#include "cli/provenance.h"
#include "cli/task_options.h"
#include "patchbay/base/error.h"
#include "patchbay/base/version.h"
#include "patchbay/hub/load_model.h"
#include "patchbay/model/weight_processing.h"
#include "patchbay/results/circuit_graph.h"
#include "patchbay/results/result_csv.h"
#include "patchbay/results/result_json.h"
#include "patchbay/results/result_npz.h"

namespace patchbay::cli {
namespace {

// Everything that decides the numbers.
std::string key_of(const Provenance& provenance, const experiments::Experiment& experiment,
                   const experiments::ConfiguredExperiment& configured) {
  std::string key = fmt::format("{}\n{}\n{}\n{}\n{}\n", provenance.version, provenance.model_sha256,
                                fmt::join(provenance.weight_processing, ","),
                                provenance.tokens_sha256, experiment.name);
  for (const Option& option : configured.options) {
    key += fmt::format("{}={}\n", option.name, std::get<std::string>(option.value));
  }
  return key;
}

void write_files(const ExperimentRun::Target& target, const std::string& stem,
                 const EffectTable& table) {
  for (const std::string& format : target.formats) {
    const std::filesystem::path path = path_in(target.folder, stem, "." + format);
    if (format == "json") write_json(path, table);
    if (format == "csv") write_csv(path, table);
    if (format == "npz") write_npz(path, table);
  }
  if (!table.axes.empty() && table.axes.front().name == "edge") {  // a circuit, for Graphviz
    write_file(path_in(target.folder, stem, ".dot"), circuit_dot(table));
  }
}

std::string stem_of(const ExperimentRun::Target& target,
                    const experiments::Experiment& experiment) {
  return target.stem.empty() ? std::string(experiment.name) : target.stem;
}

}  // namespace

bool is_table_format(std::string_view format) {
  return format == "json" || format == "csv" || format == "npz";
}

std::filesystem::path path_in(const std::string& folder, const std::string& stem,
                              std::string_view ending) {
  return std::filesystem::path(folder) / (stem + std::string(ending));
}

void make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return;
  throw Error(
      ErrorKind::kCannotCreate, folder,
      fmt::format("the folder cannot be made: {}; name another with --out", error.message()));
}

ExperimentRun::ExperimentRun(const RunContext& ctx, const std::string& model,
                             const WeightProcessing& process, const TaskChoice& task)
    : ctx_(ctx),
      found_(locate_model(model)),
      model_(open_model(ctx, model, process)),
      task_(task),
      prompts_(make_prompts(model_, task.name, task.options)) {
  provenance_ = {.model = model_.cfg().model_name,
                 .model_sha256 = weights_sha256(ctx, found_),
                 .weight_processing = names_of(model_.weights().processing),
                 .task = prompts_.task,
                 .prepend_bos = prompts_.prepend_bos,
                 .tokens_sha256 = tokens_sha256(prompts_),
                 .version = std::string(kVersion),
                 .command = {}};
}

void ExperimentRun::report(const CommonOptions& common) const {
  const tasks::TaskModel task_model = {
      .cfg = model_.cfg(), .tokenizer = model_.has_tokenizer() ? &model_.tokenizer() : nullptr};
  report_prompts(common, prompts_, tasks::completed(task_model, task_.name, task_.options));
}

PromptSet ExperimentRun::first_prompts(std::int64_t count) const {
  PromptSet first = prompts_;
  if (count > 0 && count < prompts_.size()) first.pairs.resize(static_cast<std::size_t>(count));
  return first;
}

void ExperimentRun::check(const experiments::Experiment& experiment,
                          const std::map<std::string, std::string>& settings,
                          std::int64_t first) const {
  const PromptSet prompts = first_prompts(first);
  Session session(ctx_, model_, prompts);
  as_options([&] { experiment.with(settings).check(session); });
}

std::string ExperimentRun::key(const experiments::Experiment& experiment,
                               const std::map<std::string, std::string>& settings,
                               std::int64_t first) const {
  Provenance provenance = provenance_;
  provenance.tokens_sha256 = tokens_sha256(first_prompts(first));
  return as_options([&] { return key_of(provenance, experiment, experiment.with(settings)); });
}

EffectTable ExperimentRun::table(const experiments::Experiment& experiment,
                                 const std::map<std::string, std::string>& settings,
                                 const PromptSet& prompts, CellStore* store) const {
  Session session(ctx_, model_, prompts, store);
  return as_options([&] { return experiment.with(settings).run(session); });
}

EffectTable ExperimentRun::result(const experiments::Experiment& experiment,
                                  const std::map<std::string, std::string>& settings,
                                  const Target& target) const {
  const std::string stem = stem_of(target, experiment);
  const PromptSet prompts = first_prompts(target.first_prompts);
  Provenance provenance = provenance_;
  provenance.command = target.command;
  provenance.tokens_sha256 = tokens_sha256(prompts);
  std::optional<CellStore> store;
  if (!target.folder.empty()) {
    make_folder(target.folder);
    store.emplace(path_in(target.folder, stem, ".partial"),
                  key(experiment, settings, target.first_prompts));
  }
  EffectTable result = table(experiment, settings, prompts, store ? &*store : nullptr);
  result.provenance = std::move(provenance);
  result.check();
  if (!target.folder.empty()) {
    write_files(target, stem, result);
    store->remove();
  }
  return result;
}

void ExperimentRun::part(const experiments::Experiment& experiment,
                         const std::map<std::string, std::string>& settings, const Target& target,
                         const Shard& shard) const {
  make_folder(target.folder);
  CellStore store(path_in(target.folder, stem_of(target, experiment), ".partial"),
                  key(experiment, settings, target.first_prompts), shard);
  (void)table(experiment, settings, first_prompts(target.first_prompts), &store);
}

std::string command_line_of(const RunExperiment& command) {
  std::vector<std::string> words = {"patchbay",    "run",    command.experiment, "--model",
                                    command.model, "--task", command.task.name};
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {option, value});
  };
  const tasks::TaskOptions& task = command.task.options;
  if (task.prompts > 0) add("--prompts", std::to_string(task.prompts));
  if (task.seed) add("--seed", std::to_string(*task.seed));
  add("--corruption", task.corruption);
  add("--prompt-type", task.prompt_type);
  if (task.collisions) words.emplace_back("--collisions");
  if (task.prepend_bos) words.emplace_back(*task.prepend_bos ? "--bos" : "--no-bos");
  add("--process", fmt::format("{}", fmt::join(names_of(command.process), ",")));
  for (const auto& [name, value] : command.settings) add(("--" + name).c_str(), value);
  return shell_line(words);
}

}  // namespace patchbay::cli
