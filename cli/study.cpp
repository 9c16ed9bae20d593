// patchbay study: every experiment of a study file, to result files and the terminal.
#include "patchbay/study/study.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "cli/commands.h"
#include "cli/experiment_run.h"
#include "cli/interruption.h"
#include "cli/model_source.h"
#include "cli/output.h"
#include "cli/provenance.h"
#include "cli/result_text.h"
#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/base/version.h"
#include "patchbay/hub/load_model.h"
#include "patchbay/hub/shipped.h"
#include "patchbay/model/weight_processing.h"
#include "patchbay/results/journal.h"
#include "patchbay/results/result_json.h"
#include "patchbay/study/views.h"

namespace patchbay::cli {
namespace {

// studies/ beside each folder of shipped models.
std::map<std::string, std::filesystem::path> shipped_studies() {
  std::vector<std::filesystem::path> folders;
  for (const std::filesystem::path& models : hub::shipped_model_folders()) {
    folders.push_back(models.parent_path() / "studies");
  }
  return list_studies(folders);
}

// A name of a shipped study, or the path of a file.
Study find_study(const std::string& name) {
  const auto shipped = shipped_studies();
  if (const auto found = shipped.find(name); found != shipped.end()) {
    return read_study(found->second);
  }
  if (name.ends_with(".toml") || name.find('/') != std::string::npos) {
    Study study = read_study(name);
    study.name = std::filesystem::path(name).filename().string();
    return study;
  }
  std::vector<std::string> names;
  for (const auto& [known, path] : shipped) names.push_back(known);
  throw Error(ErrorKind::kNoInput, "study",
              fmt::format("there is no study \"{}\"{}; there are {}, and files that end in .toml",
                          name, did_you_mean(name, names), fmt::join(names, ", ")));
}

std::string text_of(const View& view) {
  std::vector<Table::Column> columns;
  for (const std::string& column : view.columns) columns.push_back({column});
  Table table(columns);
  for (const auto& row : view.rows) {
    std::vector<std::string> cells;
    for (const std::string& cell : row) cells.push_back(printable(cell));
    table.add(std::move(cells));
  }
  std::string text = heading(printable(view.title)) + "\n";
  if (!view.rows.empty()) text += table.str();
  for (const std::string& sentence : view.sentences) text += sentence + "\n";
  return text + "\n";
}

std::string title_text(const StudyStep& step) {
  return fmt::format("\n{}\n{}\n", heading("== " + printable(step.title)), printable(step.text));
}

std::string section_text(const StudyStep& step, const EffectTable& table,
                         const ViewContext& context) {
  const TableStatistics statistics = table_statistics(table);
  std::string text = fmt::format("{}\n{}\n", title_text(step), result_heading(table));
  for (const std::string& view : step.show) {
    if (view == "grid") {
      text += result_grids(table, statistics);
    } else if (view.starts_with("largest")) {
      const auto colon = view.find(':');
      text += result_largest(table, statistics,
                             colon == std::string::npos ? 10 : std::stoll(view.substr(colon + 1))) +
              "\n";
    } else {
      text += text_of(view_of(table, view, context));
    }
  }
  for (const std::string& note : table.notes) text += fmt::format("note: {}\n", note);
  return text;
}

std::string about_reference(const ReferenceModel& reference) {
  return fmt::format(
      "left out: this is about {} ({} layers of {} heads, d_model {}); heads of other models have "
      "other jobs under the same numbers",
      printable(reference.name), reference.n_layers, reference.n_heads, reference.d_model);
}

std::string about_missing(const StudyCircuit& circuit, const std::string& name, bool found) {
  if (!found) return "left out: no circuit was found";
  const StudyCircuit::Role& where = circuit.roles.at(name);
  return fmt::format(
      "left out: in this model's circuit no head stands in for the {} heads: none was found {} "
      "step{} from the logits at {}",
      name, where.steps, where.steps == 1 ? "" : "s", where.position);
}

// What the study wants done to the weights, but for what a norm without centring cannot have.
WeightProcessing processing_of(const Study& study, const std::string& model) {
  WeightProcessing process = study.process;
  if (process == WeightProcessing{}) return process;
  if (hub::load_config(locate_model(model)).is_rms()) process.center_writing_weights = false;
  return process;
}

// Before anything runs, whatever this model and these prompts would refuse.
void check_steps(const Study& study, const ExperimentRun& run, bool is_reference,
                 const std::optional<CircuitNames>& names) {
  for (const StudyStep& step : study.steps) {
    if (step.reference_only && !is_reference) continue;
    try {
      run.check(experiments::find(step.experiment),
                names ? names->with_stand_ins(step.settings) : step.settings, step.prompts);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kUsage) throw;
      throw Error(ErrorKind::kBadConfig, "study",
                  fmt::format("{}: {}: {}", step.where, step.id, error.what()));
    }
  }
}

// The steps that an interrupted study has finished, while it lasts: FOLDER/study.partial. Their
// tables are read from their files, so a study that goes on runs none of them again.
class FinishedSteps {
 public:
  FinishedSteps(const Study& study, const ExperimentRun& run, const std::string& command,
                const RunStudy& given)
      : folder_(given.out) {
    const bool has_json = std::ranges::find(given.formats, "json") != given.formats.end();
    if (folder_.empty() || !has_json) return;
    std::string key = fmt::format("{}\n{}\n", command, fmt::join(given.formats, ","));
    for (const StudyStep& step : study.steps) {
      key += fmt::format("{}\n{}", step.id,
                         run.key(experiments::find(step.experiment), step.settings, step.prompts));
    }
    make_folder(folder_);
    journal_.emplace(path_in(folder_, "study", ".partial"), key);
  }

  /// The table of a step that was finished; nothing when it was not, or its file is gone or
  /// damaged.
  [[nodiscard]] std::optional<EffectTable> find(std::int64_t step, const std::string& id) const {
    if (!journal_ || !journal_->find(step)) return std::nullopt;
    try {
      return read_result(path_in(folder_, id, ".json")).table;
    } catch (const Error&) {
      return std::nullopt;
    }
  }
  void add(std::int64_t step) {
    if (journal_ && !journal_->find(step)) journal_->append(step, {});
  }
  /// The study is over.
  void remove() {
    if (journal_) journal_->remove();
  }

 private:
  std::string folder_;
  std::optional<Journal> journal_;
};

}  // namespace

int run(const ListStudies& command) {
  const auto studies = shipped_studies();
  if (command.common.json) {
    JsonWriter json;
    json.begin_object().member("patchbay", std::string_view(kVersion)).key("studies").begin_array();
    for (const auto& [name, path] : studies) {
      const Study study = read_study(path);
      json.begin_object().member("name", name).member("title", study.title).end_object();
    }
    write_output(json.end_array().end_object().take());
    return 0;
  }
  Table table({{"study"}, {"task"}, {"what"}});
  for (const auto& [name, path] : studies) {
    const Study study = read_study(path);
    table.add({name, study.task, study.title});
  }
  write_output(table.str());
  return 0;
}

int run(const RunStudy& command) {
  const Study study = find_study(command.study);
  const std::string model = command.model.value_or(study.model);
  ProgressLine progress(command.common);
  const InterruptibleContext ctx({.threads = command.common.threads,
                                  .max_memory = command.max_memory,
                                  .progress = progress.function()});
  const ExperimentRun run(ctx, model, processing_of(study, model),
                          {study.task, study.task_options});
  const HookedTransformerConfig& cfg = run.model().cfg();
  const bool is_reference = study.reference && study.reference->is(cfg);
  std::optional<CircuitNames> names;
  if (study.circuit) names.emplace(*study.circuit, cfg, is_reference);
  check_steps(study, run, is_reference, names);
  run.report(command.common);
  std::string text = fmt::format("{}\n{}\nmodel: {}\n", heading(printable(study.title)),
                                 printable(study.text), cfg.model_name);
  const auto processed = names_of(run.model().weights().processing);
  if (!processed.empty()) text += fmt::format("weights: {}\n", fmt::join(processed, ", "));
  std::vector<std::string> line = {"patchbay", "study", study.name};
  if (command.model) line.insert(line.end(), {"--model", model});
  const std::string others = study.reference ? about_reference(*study.reference) : "";
  std::map<std::string, EffectTable> tables;
  FinishedSteps finished(study, run, shell_line(line), command);
  for (std::size_t i = 0; i < study.steps.size(); ++i) {
    const StudyStep& step = study.steps[i];
    const auto number = static_cast<std::int64_t>(i);
    if (step.reference_only && !is_reference) {
      text += fmt::format("{}\n{}\n", title_text(step), others);
      continue;
    }
    std::string missing;
    const auto settings =
        names ? names->filled(step.settings, missing) : std::optional(step.settings);
    if (!settings) {
      text += fmt::format(
          "{}\n{}\n", title_text(step),
          about_missing(*study.circuit, missing, tables.contains(study.circuit->found_by)));
      continue;
    }
    const std::optional<EffectTable> before = finished.find(number, step.id);
    EffectTable table;
    try {
      table = before ? *before
                     : run.result(experiments::find(step.experiment), *settings,
                                  {.folder = command.out,
                                   .stem = step.id,
                                   .formats = command.formats,
                                   .command = shell_line(line),
                                   .first_prompts = step.prompts});
    } catch (const Error& error) {
      // A model that does not do the task has no circuit; the rest can still be looked at.
      if (!study.circuit || step.id != study.circuit->found_by ||
          error.kind() != ErrorKind::kUsage) {
        throw;
      }
      if (!command.out.empty()) {
        std::filesystem::remove(path_in(command.out, step.id, ".partial"));
      }
      text += fmt::format("{}\nleft out: {}\n", title_text(step), error.what());
      continue;
    }
    finished.add(number);
    const auto heads = tables.find(step.heads_of);
    progress.clear();
    write_output(text + section_text(step, table,
                                     {.published = is_reference ? &step.published : nullptr,
                                      .why_nothing_published = others,
                                      .heads = heads == tables.end() ? nullptr : &heads->second}));
    text.clear();
    if (names && step.id == study.circuit->found_by) names->find_in(table);
    tables.emplace(step.id, std::move(table));
    if (before) {
      message(command.common,
              fmt::format("{} was finished before: {}/{}.json", step.id, command.out, step.id));
    } else if (!command.out.empty()) {
      for (const std::string& format : command.formats) {
        message(command.common, fmt::format("wrote {}/{}.{}", command.out, step.id, format));
      }
    }
  }
  finished.remove();
  if (!text.empty()) write_output(text);
  return 0;
}

}  // namespace patchbay::cli
