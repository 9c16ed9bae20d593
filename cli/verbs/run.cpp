// patchbay run: one experiment on the prompts of one task, to a result file and the terminal.
#include "patchbay/runs/run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/running.h"
#include "patchbay/base/error.h"
#include "patchbay/experiments/experiment.h"
#include "patchbay/report/result_text.h"
#include "patchbay/results/result_json.h"

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

int run_given(const Given& given) {
  const std::string name = given.required("EXPERIMENT", "no experiment is named");
  const std::vector<Field>& known = experiments::find(name).fields;
  runs::RunSpec spec{.model = given.one("--model").value_or("ioi-small"),
                     .process = process_of(given),
                     .task = task_of(given, "--task"),
                     .experiment = {.name = name}};
  const runs::Output output{
      .folder = given.text("--out"),
      .formats = formats_of(given, {"json", "csv", "npz", "svg", "png", "pdf"}, {"json"}, true)};
  const HowToRun how{.threads = threads_of(given),
                     .json = given.flag("--json"),
                     .max_memory = memory_of(given),
                     .top = top_of(given),
                     .shard = shard_of(given, output.formats)};
  for (const Experiment* other : experiments::all()) {
    for (const Field& field : other->fields) {
      const auto value = given.one("--" + field.name);
      if (!value) continue;
      if (std::ranges::find(known, field.name, &Field::name) == known.end()) {
        given.fail(fmt::format("{} has no option --{}", name, field.name));
      }
      spec.experiment.settings[field.name] = *value;
    }
  }
  return run_experiment(spec, output, how);
}

// The fields of all experiments, each name once; `own` are the command's.
Options field_options(const Options& own) {
  Options options;
  for (const Experiment* experiment : experiments::all()) {
    for (const Field& field : experiment->fields) {
      const std::string name = "--" + field.name;
      if (std::ranges::find(own, name, &OptionSpec::name) != own.end()) {
        // An experiment would take it from all the others.
        throw Error(ErrorKind::kInternal, experiment->name,
                    fmt::format("the command itself has an option {}; please report this", name));
      }
      if (std::ranges::find(options, name, &OptionSpec::names) != options.end()) continue;
      const std::string fallback =
          field.fallback.empty() ? "" : fmt::format(" ({})", field.fallback);
      options.push_back({name, "VALUE", field.what + fallback});
    }
  }
  return options;
}

Options run_options() {
  std::vector<std::string_view> names;
  for (const Experiment* experiment : experiments::all()) names.push_back(experiment->name);
  const Options own =
      together({{{"EXPERIMENT", "", fmt::format("{}", fmt::join(names, ", "))},
                 {"--task", "NAME", "the prompts: a task such as ioi, or file:PATH"}},
                task_options(),
                model_option(),
                process_option(),
                {{"-o,--out", "DIR", "write DIR/EXPERIMENT.json"},
                 {"--format", "LIST",
                  "the files to write: json, csv, npz, and pictures as svg, png, pdf (json)"}},
                memory_option(),
                top_option("effects"),
                shard_option()});
  return together({own, field_options(own)});
}

}  // namespace

const Verb& run() {
  static const Verb verb = {
      .place = 70,
      .path = "run",
      .what = "an experiment on the prompts of a task",
      .examples =
          "patchbay run activation_patching --task ioi --prompts 20\n"
          "patchbay run activation_patching --model ioi-small --task ioi --prompts 20 --seed 1 "
          "--site z --axes layer,head --direction noise --metric logit_diff --out results\n"
          "patchbay run accuracy --task ioi_lab --prompts 10",
      .options = run_options(),
      .run = run_given};
  return verb;
}

}  // namespace verbs
}  // namespace patchbay::cli
