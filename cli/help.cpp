// patchbay help, man and completion: pages of topics and commands, all made from verbs.cpp and from
// the registries.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "cli/commands.h"
#include "cli/help_page.h"
#include "cli/output.h"
#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/circuits/circuit.h"
#include "patchbay/experiments/experiment.h"
#include "patchbay/io/file.h"
#include "patchbay/metrics/metric.h"
#include "patchbay/report/figure.h"
#include "patchbay/runs/files.h"
#include "patchbay/tasks/task.h"

namespace patchbay::cli {
namespace {

template <typename Entries>
std::string list_of(const Entries& entries) {
  Table table({{"name"}, {"what"}});
  for (const auto* entry : entries)
    table.add({std::string(entry->name), std::string(entry->summary)});
  return table.str();
}

std::string effects_page() {
  Table table({{"effect"}, {"noise"}, {"denoise"}});
  for (const EffectKind kind : kEffectKinds) {
    table.add({std::string(name_of(kind)), std::string(formula_of(kind, Direction::kNoise)),
               std::string(formula_of(kind, Direction::kDenoise))});
  }
  return "How a patched metric becomes an effect (--effect). noise puts corrupted values into the "
         "clean\n"
         "run, denoise clean values into the corrupted run (--direction). Over prompts it is the "
         "ratio of\n"
         "means, or with --aggregate mean_of_ratios the mean of ratios.\n\n" +
         table.str();
}

std::string metrics_page() {
  std::string names;
  for (const metrics::Metric* metric : metrics::all()) {
    names += fmt::format("  {:<18}{}\n", metric->name, metric->what);
  }
  return "What is measured at the end of every prompt (--metric):\n\n" + names;
}

std::string tasks_page() {
  std::string names;
  for (const tasks::Task* task : tasks::all())
    names += fmt::format("  {:<18}{}\n", task->name, task->summary);
  return "The prompts that experiments run (--task); patchbay task list has corruptions and "
         "defaults, and\n"
         "file:PATH reads pairs of your own:\n\n" +
         names;
}

struct Topic {
  std::string_view name;
  std::string_view what;
  std::function<std::string()> page;
};

const std::vector<Topic>& topics() {
  static const std::vector<Topic> kTopics = {
      {"tasks", "the prompts that experiments run", tasks_page},
      {"experiments", "what can be run on them",
       [] {
         return "patchbay run EXPERIMENT --task TASK; patchbay run --help has their options:\n\n" +
                list_of(experiments::all());
       }},
      {"metrics", "what is measured", metrics_page},
      {"effects", "how a measurement becomes an effect", effects_page},
      {"figures", "the pictures of results",
       [] {
         return "patchbay report FILE --format svg --figure NAME; without --figure every picture "
                "that fits:\n\n" +
                list_of(figures::all());
       }},
      {"positions", "how places in a prompt are named",
       [] {
         return std::string(
             "Positions are named, since prompts differ in length: patchbay task show NAME prints "
             "the names of a\n"
             "task, such as IO, S1, S1+1, S2 and END. Where all prompts have one length, numbers "
             "do too: 0,3-5,\n"
             "negative ones from the end.\n");
       }},
      {"circuits", "how a circuit is written",
       [] {
         return fmt::format(
             "--circuit takes a result file of find_circuit, the name of a published circuit of "
             "GPT-2 small ({}),\n"
             "or heads in classes: \"name mover: 9.9 9.6 @ END; previous token: 2.2 4.11 @ "
             "S1+1\".\n"
             "9.6 is head 6 of layer 9; positions after @ are the task's names, all without it.\n",
             fmt::join(published_circuit_names(), ", "));
       }},
      {"colours", "when output has colours",
       [] {
         return std::string(
             "Heat maps and bold headings appear on a terminal: in 24-bit colours where COLORTERM "
             "says truecolor\n"
             "or 24bit, in 256 where TERM has 256color, else in 16. NO_COLOR and TERM=dumb leave "
             "plain\n"
             "characters: a sign and a digit, 9 for the largest magnitude. Into a pipe or a file "
             "go numbers.\n"
             "--color always, never, 16, 256 or truecolor says it outright.\n");
       }},
      {"environment", "variables that are read",
       [] {
         return std::string(
             "NO_COLOR, TERM, COLORTERM, COLUMNS  how output looks; patchbay help colours\n"
             "HF_HOME, HF_HUB_CACHE, HF_TOKEN,    where models are kept and fetched from, as "
             "Hugging Face's\n"
             "HF_ENDPOINT, HF_HUB_OFFLINE         own programs read them; docs/models.md\n");
       }},
      {"exit-codes", "what the exit code means", [] {
         return std::string(
             "0 done                        69 a download that failed\n"
             "1 a check did not hold        70 a mistake of ours; please report it\n"
             "2 a wrong call                73 an output file cannot be created\n"
             "65 damaged or wrong data      74 reading, writing or memory failed midway\n"
             "66 an input is not there      78 a study or configuration contradicts itself\n"
             "124 stopped by --timeout      130, 143 stopped by Ctrl-C, by SIGTERM\n"
             "141 the reader of the output closed it\n");
       }}};
  return kTopics;
}

std::string all_topics() {
  Table table({{"topic"}, {"what"}});
  for (const Topic& topic : topics()) table.add({std::string(topic.name), std::string(topic.what)});
  return table.str() +
         "\npatchbay help TOPIC shows one, patchbay help COMMAND the page of a command.\n\n" +
         render(page_of(verbs(), ""));
}

// Throws kUsage with the nearest name.
std::string path_of_words(const std::vector<std::string>& words,
                          const std::deque<VerbSpec>& known) {
  std::string path = fmt::format("{}", fmt::join(words, " "));
  std::vector<std::string> names;
  for (const VerbSpec& verb : known) {
    if (verb.path == path) return path;
    if (!verb.path.empty()) names.push_back(verb.path);
  }
  for (const Topic& topic : topics()) names.emplace_back(topic.name);
  throw Error(ErrorKind::kUsage, "help",
              fmt::format("there is no topic or command {}{}; patchbay help lists them",
                          quote(path), did_you_mean(path, names)));
}

// Long names of a verb's options, and what begins with a word.
std::vector<std::string> words_after(const VerbSpec& verb) {
  std::vector<std::string> words = {"--help"};
  for (const OptionSpec& option : verb.options) {
    if (option.is_argument()) continue;
    const std::size_t comma = option.names.find(',');
    words.push_back(comma == std::string::npos ? option.names : option.names.substr(comma + 1));
  }
  return words;
}

std::vector<std::string> verbs_after(std::string_view path) {
  std::vector<std::string> words;
  for (const HelpPage::Entry& verb : page_of(verbs(), path).verbs) words.push_back(verb.name);
  return words;
}

std::vector<std::string> names_of_experiments() {
  std::vector<std::string> names;
  for (const experiments::Experiment* one : experiments::all()) names.emplace_back(one->name);
  return names;
}

std::vector<std::string> names_of_tasks() {
  std::vector<std::string> names;
  for (const tasks::Task* one : tasks::all()) names.emplace_back(one->name);
  return names;
}

// A case of a shell: the words so far, and what may follow them.
struct Completions {
  std::string path;
  std::vector<std::string> words;
};

std::vector<Completions> completions() {
  std::vector<Completions> all;
  const std::deque<VerbSpec> known = verbs();
  for (const VerbSpec& verb : known) {
    Completions one{verb.path, verbs_after(verb.path)};
    if (verb.path == "run") one.words = names_of_experiments();
    if (verb.path == "task show") one.words = names_of_tasks();
    if (verb.path == "completion") one.words = {"bash", "zsh", "fish"};
    for (const std::string& word : words_after(verb)) one.words.push_back(word);
    all.push_back(std::move(one));
  }
  return all;
}

std::string bash_completion() {
  std::string cases;
  for (const Completions& one : completions()) {
    cases += fmt::format("    \"{}\") words=\"{}\" ;;\n", one.path, fmt::join(one.words, " "));
  }
  return fmt::format(
      R"(# bash completion for patchbay; patchbay completion bash > ~/.local/share/bash-completion/completions/patchbay
_patchbay() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} path="" words=""
  local word
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$path $word" in
{}    esac
  done
  case "$previous" in
    --task) words="{}" ;;
    --out|--model|-m|-o) COMPREPLY=($(compgen -f -- "$current")); return ;;
    *) case "$path" in
{}    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ ${{#COMPREPLY[@]}} -gt 0 || "$current" == -* ]] || COMPREPLY=($(compgen -f -- "$current"))
}}
complete -F _patchbay patchbay
)",
      [] {
        std::string paths;
        for (const VerbSpec& verb : verbs()) {
          if (verb.path.empty()) continue;
          const bool nested = verb.path.find(' ') != std::string::npos;
          paths += fmt::format("      \"{}{}\") path=\"{}\" ;;\n", nested ? "" : " ", verb.path,
                               verb.path);
        }
        return paths;
      }(),
      fmt::join(names_of_tasks(), " "), cases);
}

// zsh reads bash's function by its own bridge.
std::string zsh_completion() {
  return "#compdef patchbay\n# zsh completion for patchbay; source it after compinit\nautoload -U "
         "+X bashcompinit && bashcompinit\n" +
         bash_completion();
}

std::string fish_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string fish_completion() {
  std::string text =
      "# fish completion for patchbay; patchbay completion fish > "
      "~/.config/fish/completions/patchbay.fish\n";
  for (const VerbSpec& verb : verbs()) {
    std::string here = "__fish_use_subcommand";
    if (!verb.path.empty()) {
      here = "__fish_seen_subcommand_from " + verb.path.substr(verb.path.rfind(' ') + 1);
    }
    for (const HelpPage::Entry& entry : page_of(verbs(), verb.path).verbs) {
      text += fmt::format("complete -c patchbay -n {} -a {} -d {}\n", fish_quoted(here), entry.name,
                          fish_quoted(entry.what));
    }
    if (verb.path == "run") {
      text += fmt::format("complete -c patchbay -n {} -a {}\n", fish_quoted(here),
                          fish_quoted(fmt::format("{}", fmt::join(names_of_experiments(), " "))));
    }
    for (const OptionSpec& option : verb.options) {
      if (option.is_argument()) continue;
      const std::size_t comma = option.names.find(',');
      const std::string name = option.names.substr(comma == std::string::npos ? 2 : comma + 3);
      text += fmt::format("complete -c patchbay -n {} -l {}{} -d {}\n", fish_quoted(here), name,
                          option.is_flag() ? "" : " -r", fish_quoted(option.what));
    }
  }
  return text;
}

}  // namespace

int run(const ShowHelp& command) {
  if (command.topic.empty()) {
    write_output(all_topics());
    return 0;
  }
  const auto topic =
      std::ranges::find(topics(), std::string_view(command.topic.front()), &Topic::name);
  if (command.topic.size() == 1 && topic != topics().end()) {
    write_output(fmt::format("{}: {}\n\n{}", heading(topic->name), topic->what, topic->page()));
    return 0;
  }
  const std::deque<VerbSpec> known = verbs();
  write_output(render(page_of(known, path_of_words(command.topic, known))));
  return 0;
}

int run(const ShowManual& command) {
  const std::deque<VerbSpec> known = verbs();
  if (command.out.empty()) {
    write_output(render_roff(page_of(known, path_of_words(command.verb, known))));
    return 0;
  }
  runs::make_folder(command.out);
  for (const VerbSpec& verb : known) {
    std::string stem = verb.path.empty() ? "patchbay" : "patchbay-" + verb.path;
    std::ranges::replace(stem, ' ', '-');
    write_file(runs::path_in(command.out, stem, ".1"), render_roff(page_of(known, verb.path)));
  }
  return 0;
}

int run(const ShowCompletion& command) {
  if (command.shell == "bash") {
    write_output(bash_completion());
  } else if (command.shell == "zsh") {
    write_output(zsh_completion());
  } else if (command.shell == "fish") {
    write_output(fish_completion());
  } else {
    throw Error(ErrorKind::kUsage, "completion",
                fmt::format("there is no completion for {}; there is bash, zsh and fish",
                            quote(command.shell)));
  }
  return 0;
}

}  // namespace patchbay::cli
