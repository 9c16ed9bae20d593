// patchbay run: one experiment on the prompts of one task, to a result file and the terminal.
#include "patchbay/runs/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/running.h"
#include "patchbay/base/error.h"
#include "patchbay/experiments/experiment.h"
#include "patchbay/report/result_text.h"
#include "patchbay/results/result_json.h"
#include "patchbay/runs/command_line.h"
#include "patchbay/runs/pictures.h"

namespace patchbay::cli {

int run_experiment(const runs::RunSpec& spec, const runs::Output& output, const HowToRun& how) {
  WatchedContext ctx(how);
  const runs::Run run(ctx, spec.model, spec.process, spec.task);
  tell_prompts(run.prompts(), run.task_options());
  if (how.shard) {
    run.run_shard(spec.experiment, output, *how.shard, notes_of(how));
    ctx.progress().clear();
    tell_shard(output.folder, *how.shard);
    return 0;
  }
  const runs::Result result = run.result(spec.experiment, output);
  ctx.progress().clear();
  write_output(how.json ? to_json(result.table)
                        : result_text(result.table, how.top.value_or(10), text_style()));
  tell_files(output.folder, result.files);
  return 0;
}

namespace verbs {

const Verb& run();

namespace {

using experiments::Experiment;
using experiments::Field;

int run_given(const Experiment& experiment, const Given& given) {
  runs::RunSpec spec{.model = given.one("--model").value_or("ioi-small"),
                     .process = process_of(given),
                     .task = task_of(given, "--task"),
                     .experiment = {.name = std::string(experiment.name)}};
  const runs::Output output{
      .folder = given.text("--out"),
      .formats = formats_of(given, runs::known_formats(false), {"json"}, true),
      .overwrite = given.flag("--overwrite")};
  const HowToRun how{.threads = threads_of(given),
                     .json = given.flag("--json"),
                     .max_memory = memory_of(given),
                     .top = top_of(given),
                     .shard = shard_of(given, output.formats)};
  for (const Field& field : experiment.fields) {
    const auto value = given.one("--" + field.name);
    if (value) spec.experiment.settings[field.name] = *value;
  }
  return run_experiment(spec, output, how);
}

// What all experiments are told.
Options shared_options() {
  return together(
      {{{"--task", "NAME", "the prompts: a task such as ioi, or file:PATH"}},
       task_options(),
       model_option(),
       process_option(),
       {{"-o,--out", "DIR", "write DIR/EXPERIMENT.json"},
        {"--format", "LIST",
         "the files to write: json, csv, effects_csv, npz, and pictures as svg, png, pdf (json)"}},
       overwrite_option(),
       memory_option(),
       top_option("effects"),
       shard_option()});
}

Options settings_of(const Experiment& experiment) {
  const Options shared = together({shared_options(), common_options()});
  Options options;
  for (const Field& field : experiment.fields) {
    const std::string name = "--" + field.name;
    if (std::ranges::find(shared, name, &OptionSpec::name) != shared.end()) {
      throw Error(ErrorKind::kInternal, experiment.name,
                  fmt::format("the command itself has an option {}; please report this", name));
    }
    const std::string fallback = field.fallback.empty() ? "" : fmt::format(" ({})", field.fallback);
    options.push_back(
        {name, field.fallback == "no" ? "[yes]" : field.type, field.what + fallback, true});
  }
  return options;
}

std::string example_of(const Experiment& experiment) {
  std::vector<std::string> words = {
      "patchbay", "run", std::string(experiment.name), "--task", "ioi", "--prompts", "20"};
  for (const Field& field : experiment.fields) {
    const auto given = experiment.example.find(field.name);
    if (given == experiment.example.end()) continue;
    words.push_back("--" + field.name);
    words.push_back(given->second);
  }
  return runs::shell_line(words);
}

std::vector<Verb> experiment_verbs(int place) {
  std::vector<Verb> made;
  for (const Experiment* experiment : experiments::all()) {
    made.push_back(
        {.place = place,
         .path = fmt::format("run {}", experiment->name),
         .what = std::string(experiment->summary),
         .examples = example_of(*experiment),
         .options = settings_of(*experiment),
         .run = [experiment](const Given& given) { return run_given(*experiment, given); }});
  }
  return made;
}

int miss_experiment(const Given& given) { given.fail("no experiment is named"); }

}  // namespace

const Verb& run() {
  static const Verb verb = {
      .place = 70,
      .path = "run",
      .what =
          "an experiment on the prompts of a task; patchbay run EXPERIMENT --help has its options",
      .examples =
          "patchbay run activation_patching --task ioi --prompts 20\n"
          "patchbay run activation_patching --help\n"
          "patchbay help experiments",
      .inner = experiment_verbs(70),
      .shared = shared_options(),
      .noun = "experiment",
      .run = miss_experiment};
  return verb;
}

}  // namespace verbs
}  // namespace patchbay::cli
