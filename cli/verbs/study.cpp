// patchbay study NAME: every experiment of a study file, to result files, a report and the
// terminal; patchbay study --list.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/running.h"
#include "patchbay/base/version.h"
#include "patchbay/model/weight_processing.h"
#include "patchbay/report/result_text.h"
#include "patchbay/runs/find_study.h"
#include "patchbay/runs/pictures.h"
#include "patchbay/runs/study_run.h"

namespace patchbay::cli {
namespace {

std::string first_words(const runs::StudyRun& run) {
  const HookedTransformer& model = run.run().model();
  const auto processed = names_of(model.weights().processing);
  return fmt::format("{}\n{}\nmodel: {}\n", heading(printable(run.study().title)),
                     printable(run.study().text), model.cfg().model_name) +
         (processed.empty() ? "" : fmt::format("weights: {}\n", fmt::join(processed, ", ")));
}

int list_studies(bool as_json) {
  JsonWriter json;
  json.begin_object().member("patchbay", std::string_view(kVersion)).key("studies").begin_array();
  Table table({{"study"}, {"task"}, {"what"}});
  for (const auto& [name, path] : runs::shipped_studies()) {
    const Study study = read_study(path);
    json.begin_object().member("name", name).member("title", study.title).end_object();
    table.add({name, study.task, study.title});
  }
  json.end_array().end_object();
  write_output(as_json ? json.take() : table.str());
  return 0;
}

int run_given(const Given& given) {
  if (given.flag("--list")) return list_studies(given.flag("--json"));
  const runs::StudySpec spec{
      .study = given.required("STUDY", "no study is named; patchbay study --list shows them"),
      .model = given.one("--model"),
      .special = given.flag("--special")};
  const runs::Output output{
      .folder = given.text("--out"),
      .formats = formats_of(given, runs::known_formats(true), {"json", "html"}, true),
      .overwrite = given.flag("--overwrite")};
  return run_study(spec, output,
                   {.threads = threads_of(given),
                    .json = given.flag("--json"),
                    .max_memory = memory_of(given),
                    .shard = shard_of(given, output.formats)});
}

}  // namespace

// Results go to standard output as they come, messages beside them.
int run_study(const runs::StudySpec& spec, const runs::Output& output, const HowToRun& how) {
  WatchedContext ctx(how);
  const runs::StudyRun study(ctx, spec);
  tell_prompts(study.run().prompts(), study.run().task_options());
  const auto begins = [&](const std::string& id) { ctx.progress().begin(id); };
  if (how.shard) {
    study.run_shard(output, *how.shard, notes_of(how), {.begins = begins});
    ctx.progress().clear();
    tell_shard(output.folder, *how.shard);
    return 0;
  }
  std::string text = first_words(study);  // written with the next result
  const auto flush = [&] { write_output(std::exchange(text, "")); };
  const auto ended = [&](const runs::StudyEvent& event) {
    if (event.table == nullptr) {
      text += section_text(event.section, text_style());
      return;
    }
    ctx.progress().clear();
    text += section_text(event.section, *event.table, event.step.show, text_style());
    flush();
    const std::string& id = event.step.id;
    if (event.resumed)
      message(fmt::format("{0} was finished before: {1}/{0}.json", id, output.folder));
    tell_files(output.folder, event.files);
  };
  const runs::StudyOutcome outcome =
      study.result(output, {.begins = begins, .ended = ended, .completes = flush});
  if (outcome.page) message(fmt::format("wrote {}", outcome.page->string()));
  return 0;
}

namespace verbs {

const Verb& study();

const Verb& study() {
  static const Verb verb = {
      .place = 80,
      .path = "study",
      .what = "every experiment of a study file",
      .examples =
          "patchbay study --list\n"
          "patchbay study figure_3b\n"
          "patchbay study ioi_lab --model ioi-small --out results",
      .options = together(
          {{{"STUDY", "", "the name of a study that comes with patchbay, or a .toml file"},
            {"--list", "", "the studies that come with patchbay"}},
           model_option(),
           {{"--special", "",
             "of a study of a file: read <|endoftext|> and its like as one token"}},
           {{"-o,--out", "DIR", "write a result file for every experiment, and report.html"},
            {"--format", "LIST",
             "the files to write: json, csv, effects_csv, npz, pictures as svg, png, pdf, and html "
             "(json,html)"}},
           overwrite_option(),
           memory_option(),
           shard_option()}),
      .run = run_given};
  return verb;
}

}  // namespace verbs
}  // namespace patchbay::cli
