// patchbay study NAME: every experiment of a study file, to result files, a report and the
// terminal.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "cli/commands.h"
#include "cli/experiment_run.h"
#include "cli/find_study.h"
#include "cli/finished_steps.h"
#include "cli/interruption.h"
#include "cli/memory_note.h"
#include "cli/model_source.h"
#include "cli/output.h"
#include "cli/pictures.h"
#include "cli/progress.h"
#include "cli/provenance.h"
#include "cli/result_text.h"
#include "cli/study_page.h"
#include "cli/study_shard.h"
#include "patchbay/base/error.h"
#include "patchbay/circuits/circuit.h"
#include "patchbay/io/file.h"
#include "patchbay/model/weight_processing.h"
#include "patchbay/report/page.h"
#include "patchbay/results/result_json.h"
#include "patchbay/study/study.h"
#include "patchbay/study/views.h"

namespace patchbay::cli {
namespace {

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
      text += list_text(view_of(table, view, context));
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

constexpr std::string_view kPatternsId = "patterns_of_heads";

// Lists of a step, but for those that figures show.
std::vector<StudyList> lists_of(const StudyStep& step, const EffectTable& table,
                                const ViewContext& context) {
  std::vector<StudyList> lists;
  for (const std::string& view : step.show) {
    if (view == "grid" || view.starts_with("largest")) continue;
    lists.push_back(view_of(table, view, context));
  }
  return lists;
}

StudySection section_of(const StudyStep& step, const std::string& left_out,
                        std::vector<StudyList> lists) {
  return {.id = step.id,
          .experiment = step.experiment,
          .title = step.title,
          .text = step.text,
          .left_out = left_out,
          .lists = std::move(lists)};
}

// The step that a report needs so that a click on a head can show where it looks.
StudyStep patterns_step(const std::vector<std::string>& heads) {
  return {.where = "",
          .id = std::string(kPatternsId),
          .experiment = "attention_patterns",
          .title = "Attention patterns of the heads that stand out",
          .text =
              "Whole patterns of the heads with the largest effects above, on clean prompts. In "
              "the report a click on a head shows its pattern on any prompt.",
          .settings = {{"nodes", fmt::format("{}", fmt::join(heads, ","))},
                       {"dest-positions", "every"},
                       {"src-positions", "every"},
                       {"side", "clean"}},
          .show = {},
          .published = {},
          .heads_of = {}};
}

class StudyRun {
 public:
  StudyRun(const RunStudy& command, const Study& study, const ExperimentRun& run,
           Progress& progress)
      : command_(command),
        study_(study),
        run_(run),
        progress_(progress),
        is_reference_(study.reference && study.reference->is(run.model().cfg())),
        line_(study_line(command, study)) {
    if (study.circuit) names_.emplace(*study.circuit, run.model().cfg(), is_reference_);
    if (study.reference) others_ = about_reference(*study.reference);
    result_ = {.title = study.title,
               .text = study.text,
               .model = run.model().cfg().model_name,
               .command = line_,
               .attention_command = "",
               .known = {},
               .sections = {}};
  }

  // Before anything runs, whatever this model and these prompts would refuse.
  void check() const { check_steps(study_, run_, is_reference_, names_); }
  [[nodiscard]] bool is_reference() const { return is_reference_; }

  void steps() {
    finished_.emplace(study_, run_, line_, command_, command_.out);
    text_ = fmt::format("{}\n{}\nmodel: {}\n", heading(printable(study_.title)),
                        printable(study_.text), run_.model().cfg().model_name);
    const auto processed = names_of(run_.model().weights().processing);
    if (!processed.empty()) text_ += fmt::format("weights: {}\n", fmt::join(processed, ", "));
    for (std::size_t i = 0; i < study_.steps.size(); ++i) step(i);
    if (!text_.empty()) write_output(text_);
  }

  void report() {
    if (command_.out.empty()) return;
    const bool html = std::ranges::find(command_.formats, "html") != command_.formats.end();
    if (html) add_patterns();
    name_known_heads();
    if (std::ranges::find(command_.formats, "json") != command_.formats.end()) {
      write_file(path_in(command_.out, "study", ".json"), to_json(result_));
    }
    for (const StudySection& section : result_.sections) {
      const auto table = tables_.find(section.id);
      if (table == tables_.end()) continue;
      check_interrupted();
      const Picture picture{.table = table->second, .title = section.title, .known = result_.known};
      (void)write_pictures(picture, command_.out, section.id, command_.formats);
    }
    if (html) {
      Page page;
      add_study(page, result_, tables_);
      write_page(command_.common, page, command_.out, "report");
    }
    finished_->remove();
  }

 private:
  void leave_out(const StudyStep& step, const std::string& why) {
    text_ += fmt::format("{}\n{}\n", title_text(step), why);
    result_.sections.push_back(section_of(step, why, {}));
  }

  void step(std::size_t i) {
    const StudyStep& step = study_.steps[i];
    const auto number = static_cast<std::int64_t>(i);
    if (step.reference_only && !is_reference_) return leave_out(step, others_);
    std::string missing;
    const auto settings =
        names_ ? names_->filled(step.settings, missing) : std::optional(step.settings);
    if (!settings) {
      return leave_out(step, about_missing(*study_.circuit, missing,
                                           tables_.contains(study_.circuit->found_by)));
    }
    const std::optional<EffectTable> before = finished_->find(number, step.id);
    EffectTable table;
    progress_.begin(step.id);
    try {
      table = before ? *before
                     : run_.result(experiments::find(step.experiment), *settings, target_of(step));
    } catch (const Error& error) {
      // A model that does not do the task has no circuit; the rest can still be looked at.
      if (!study_.circuit || step.id != study_.circuit->found_by ||
          error.kind() != ErrorKind::kUsage)
        throw;
      if (!command_.out.empty())
        std::filesystem::remove(path_in(command_.out, step.id, ".partial"));
      return leave_out(step, fmt::format("left out: {}", error.what()));
    }
    finished_->add(number);
    const auto heads = tables_.find(step.heads_of);
    const ViewContext context{.published = is_reference_ ? &step.published : nullptr,
                              .why_nothing_published = others_,
                              .heads = heads == tables_.end() ? nullptr : &heads->second};
    progress_.clear();
    write_output(text_ + section_text(step, table, context));
    text_.clear();
    result_.sections.push_back(section_of(step, "", lists_of(step, table, context)));
    if (names_ && step.id == study_.circuit->found_by) names_->find_in(table);
    tables_.emplace(step.id, std::move(table));
    tell(step, before.has_value());
  }

  [[nodiscard]] ExperimentRun::Target target_of(const StudyStep& step) const {
    return {.folder = command_.out,
            .stem = step.id,
            .formats = command_.formats,
            .command = line_,
            .first_prompts = step.prompts};
  }

  void tell(const StudyStep& step, bool was_finished) const {
    if (was_finished) {
      message(command_.common,
              fmt::format("{} was finished before: {}/{}.json", step.id, command_.out, step.id));
      return;
    }
    for (const std::string& format : command_.formats) {
      if (command_.out.empty() || !is_table_format(format)) continue;
      message(command_.common, fmt::format("wrote {}/{}.{}", command_.out, step.id, format));
    }
  }

  void add_patterns() {
    const std::vector<std::string> heads = heads_that_matter(tables_);
    const bool is_taken = std::ranges::any_of(
        study_.steps, [](const StudyStep& step) { return step.id == kPatternsId; });
    if (heads.empty() || is_taken) return;
    StudyStep step = patterns_step(heads);
    // As many prompts as keep the table small.
    constexpr std::int64_t kMostNumbers = 4'000'000;
    const std::int64_t longest = std::max<std::int64_t>(run_.prompts().longest(), 1);
    step.prompts = std::clamp<std::int64_t>(kMostNumbers / (std::ssize(heads) * longest * longest),
                                            1, run_.prompts().size());
    progress_.begin(step.id);
    tables_.emplace(
        step.id, run_.result(experiments::find(step.experiment), step.settings, target_of(step)));
    result_.sections.push_back(section_of(step, "", {}));
    RunExperiment one{};
    one.experiment = step.experiment;
    one.model = command_.model.value_or(study_.model);
    one.process = study_.process;
    one.task = {study_.task, study_.task_options};
    one.settings = step.settings;
    one.settings["nodes"] = "HEAD";
    result_.attention_command = command_line_of(one) + " --out heads";
  }

  // What was published about the reference model, else the classes of the circuit that was found.
  void name_known_heads() {
    if (is_reference_) {
      for (const StudyStep& step : study_.steps) {
        for (const auto& group : step.published.groups) {
          const KnownHeads known{group.front(), {group.begin() + 1, group.end()}};
          const bool again = std::ranges::any_of(
              result_.known, [&](const KnownHeads& other) { return other.name == known.name; });
          if (!again) result_.known.push_back(known);
        }
      }
      return;
    }
    for (const auto& [id, table] : tables_) {
      if (table.experiment != "find_circuit") continue;
      for (KnownHeads& known : known_heads(circuit_of(table))) {
        result_.known.push_back(std::move(known));
      }
    }
  }

  const RunStudy& command_;
  const Study& study_;
  const ExperimentRun& run_;
  Progress& progress_;
  bool is_reference_;
  std::string line_;
  std::optional<FinishedSteps> finished_;  // once nothing is refused any more
  std::optional<CircuitNames> names_;
  std::string others_;
  std::string text_;  // written with the next result
  StudyResult result_;
  std::map<std::string, EffectTable> tables_;
};

}  // namespace

int run(const RunStudy& command) {
  const Study study = find_study(command.study);
  const std::string model = command.model.value_or(study.model);
  Progress progress(command.common);
  const InterruptibleContext ctx({.threads = command.common.threads,
                                  .max_memory = command.max_memory,
                                  .progress = progress.function(),
                                  .memory_plan = memory_note(command.common, progress)});
  const ExperimentRun run(ctx, model, processing_of(study, model),
                          {study.task, study.task_options});
  StudyRun study_run(command, study, run, progress);
  study_run.check();
  run.report(command.common);
  if (command.shard) {
    run_study_shard(command, study, run, study_run.is_reference(), progress);
    return 0;
  }
  study_run.steps();
  study_run.report();
  return 0;
}

}  // namespace patchbay::cli
