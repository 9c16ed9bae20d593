// The topics of patchbay help: texts, and lists made from the registries.
#include "cli/topics.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/output.h"
#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/base/visible_text.h"
#include "patchbay/circuits/circuit.h"
#include "patchbay/experiments/experiment.h"
#include "patchbay/metrics/metric.h"
#include "patchbay/report/figure.h"
#include "patchbay/tasks/task.h"

namespace patchbay::cli {
namespace {

template <typename Entries>
std::string table_of(const Entries& entries) {
  Table table({{"name"}, {"what"}});
  for (const auto* entry : entries) {
    table.add({std::string(entry->name), std::string(entry->summary)});
  }
  return table.str();
}

template <typename Entries, typename What>
std::string list_of(const Entries& entries, What what) {
  std::string lines;
  for (const auto* entry : entries) lines += fmt::format("  {:<18}{}\n", entry->name, entry->*what);
  return lines;
}

std::string table_of_effects() {
  Table table({{"effect"}, {"noise"}, {"denoise"}});
  for (const EffectKind kind : kEffectKinds) {
    table.add({std::string(name_of(kind)), std::string(formula_of(kind, Direction::kNoise)),
               std::string(formula_of(kind, Direction::kDenoise))});
  }
  return table.str();
}

}  // namespace

std::vector<Topic> topics() {
  return {
      {"tasks", "the prompts that experiments run",
       R"(The prompts that experiments run (--task); patchbay task list has corruptions and defaults, and
file:PATH reads pairs of your own:

)" + list_of(tasks::all(), &tasks::Task::summary)},
      {"experiments", "what can be run on them",
       "patchbay run EXPERIMENT --task TASK; patchbay help EXPERIMENT has its options:\n\n" +
           table_of(experiments::all())},
      {"metrics", "what is measured",
       "What is measured at the end of every prompt (--metric):\n\n" +
           list_of(metrics::all(), &metrics::Metric::what)},
      {"effects", "how a measurement becomes an effect",
       R"(How a patched metric becomes an effect (--effect). noise puts corrupted values into the clean
run, denoise clean values into the corrupted run (--direction). Over prompts it is the ratio of
means, or with --aggregate mean_of_ratios the mean of ratios.

)" + table_of_effects()},
      {"figures", "the pictures of results",
       "patchbay report FILE --format svg --figure NAME; without --figure every picture that "
       "fits:\n\n" +
           table_of(figures::all())},
      {"positions", "how places in a prompt are named",
       R"(Positions are named, since prompts differ in length: patchbay task show NAME prints the names of a
task, such as IO, S1, S1+1, S2 and END. Where all prompts have one length, numbers do too: 0,3-5,
negative ones from the end. A word of several tokens is all of them; S2:first and S2:last are one.
)"},
      {"circuits", "how a circuit is written",
       fmt::format(
           R"(--circuit takes a result file of find_circuit, the name of a published circuit of GPT-2 small ({}),
or heads in classes: "name mover: 9.9 9.6 @ END; previous token: 2.2 4.11 @ S1+1".
9.6 is head 6 of layer 9; positions after @ are the task's names, all without it.
)",
           fmt::join(published_circuit_names(), ", "))},
      {"colours", "when output has colours",
       R"(Heat maps and bold headings appear on a terminal: in 24-bit colours where COLORTERM says truecolor
or 24bit, in 256 where TERM has 256color, else in 16. NO_COLOR and TERM=dumb leave plain
characters: a sign and a digit, 9 for the largest magnitude. Into a pipe or a file go numbers.
--color always, never, 16, 256 or truecolor says it outright.
)"},
      {"environment", "variables that are read",
       R"(NO_COLOR, TERM, COLORTERM, COLUMNS  how output looks; patchbay help colours
HF_HOME, HF_HUB_CACHE, HF_TOKEN,    where models are kept and fetched from, as Hugging Face's
HF_ENDPOINT, HF_HUB_OFFLINE         own programs read them; docs/models.md
)"},
      {"exit-codes", "what the exit code means",
       R"(0 done                        69 a download that failed
1 a check did not hold        70 a mistake of ours; please report it
2 a wrong call                73 an output file cannot be created
65 damaged or wrong data      74 reading, writing or memory failed midway
66 an input is not there      78 a study or configuration contradicts itself
124 stopped by --timeout      130, 143 stopped by Ctrl-C, by SIGTERM
141 the reader of the output closed it
)"}};
}

const Verb& verb_named(const std::vector<std::string>& words) {
  const std::string path = fmt::format("{}", fmt::join(words, " "));
  std::vector<std::string> names;
  for (const Verb& verb : all_verbs()) {
    const bool is_experiment = verb.path.starts_with("run ");
    if (verb.path == path || (is_experiment && verb.last_word() == path)) return verb;
    if (!verb.path.empty()) names.push_back(is_experiment ? verb.last_word() : verb.path);
  }
  for (const Topic& topic : topics()) names.emplace_back(topic.name);
  throw Error(ErrorKind::kUsage, "help",
              fmt::format("there is no topic or command {}{}; patchbay help lists them",
                          quoted_text(path), did_you_mean(path, names)));
}

}  // namespace patchbay::cli
