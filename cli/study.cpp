// patchbay study NAME: every experiment of a study file, to result files, a report and the
// terminal; patchbay study --list.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/commands.h"
#include "cli/interruption.h"
#include "cli/memory_note.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/run_messages.h"
#include "cli/shard_notes.h"
#include "patchbay/base/version.h"
#include "patchbay/model/weight_processing.h"
#include "patchbay/report/result_text.h"
#include "patchbay/runs/find_study.h"
#include "patchbay/runs/study_run.h"

namespace patchbay::cli {
namespace {

std::string title_text(const StudySection& section) {
  return fmt::format("\n{}\n{}\n", heading("== " + printable(section.title)),
                     printable(section.text));
}

std::string section_text(const runs::StudyEvent& event) {
  const EffectTable& table = *event.table;
  const TableStatistics statistics = table_statistics(table);
  std::string text =
      fmt::format("{}\n{}\n", title_text(event.section), result_heading(table, text_style()));
  auto list = event.section.lists.begin();
  for (const std::string& view : event.step.show) {
    if (view == "grid") {
      text += result_grids(table, statistics, text_style());
    } else if (view.starts_with("largest")) {
      const auto colon = view.find(':');
      text += result_largest(table, statistics,
                             colon == std::string::npos ? 10 : std::stoll(view.substr(colon + 1)),
                             text_style()) +
              "\n";
    } else {
      text += list_text(*list++, text_style());
    }
  }
  for (const std::string& note : table.notes) text += fmt::format("note: {}\n", note);
  return text;
}

// What a study does, as text: results to standard output as they come, messages beside them.
class StudyText {
 public:
  StudyText(const RunStudy& command, const runs::StudyRun& run, Progress& progress)
      : common_(command.common), folder_(command.output.folder), progress_(progress) {
    text_ = fmt::format("{}\n{}\nmodel: {}\n", heading(printable(run.study().title)),
                        printable(run.study().text), run.run().model().cfg().model_name);
    const auto processed = names_of(run.run().model().weights().processing);
    if (!processed.empty()) text_ += fmt::format("weights: {}\n", fmt::join(processed, ", "));
  }

  runs::StudyObserver observer() {
    return {.begins = [this](const std::string& id) { progress_.begin(id); },
            .ended = [this](const runs::StudyEvent& event) { show(event); },
            .completes = [this] { flush(); }};
  }

 private:
  void show(const runs::StudyEvent& event) {
    if (event.table == nullptr) {
      text_ +=
          fmt::format("{}\n{}\n", title_text(event.section), printable(event.section.left_out));
      return;
    }
    progress_.clear();
    text_ += section_text(event);
    flush();
    if (event.resumed) {
      message(common_, fmt::format("{} was finished before: {}/{}.json", event.step.id, folder_,
                                   event.step.id));
    }
    tell_files(common_, folder_, event.files);
  }

  void flush() {
    write_output(text_);
    text_.clear();
  }

  const CommonOptions& common_;
  const std::string& folder_;
  Progress& progress_;
  std::string text_;  // written with the next result
};

}  // namespace

int run(const RunStudy& command) {
  Progress progress(command.common);
  const InterruptibleContext ctx({.threads = command.common.threads,
                                  .max_memory = command.max_memory,
                                  .progress = progress.function(),
                                  .memory_plan = memory_note(command.common, progress)});
  const runs::StudyRun study(ctx, command.study);
  tell_prompts(command.common, study.run().prompts(), study.run().task_options());
  if (command.shard) {
    study.run_shard(command.output, *command.shard, written({.max_memory = command.max_memory}),
                    {.begins = [&](const std::string& id) { progress.begin(id); }});
    progress.clear();
    tell_shard(command.common, command.output.folder, *command.shard);
    return 0;
  }
  StudyText text(command, study, progress);
  const runs::StudyOutcome outcome = study.result(command.output, text.observer());
  if (outcome.page) message(command.common, fmt::format("wrote {}", outcome.page->string()));
  return 0;
}

int run(const ListStudies& command) {
  const auto studies = runs::shipped_studies();
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

}  // namespace patchbay::cli
