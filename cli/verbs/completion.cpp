// patchbay completion: what shells need to complete patchbay's words, made from the verbs and from
// the registries.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <vector>

#include "cli/options.h"
#include "cli/output.h"
#include "patchbay/base/error.h"
#include "patchbay/base/visible_text.h"
#include "patchbay/tasks/task.h"

namespace patchbay::cli::verbs {

const Verb& completion();

namespace {

template <typename Entries>
std::string names_of(const Entries& entries) {
  std::vector<std::string_view> names;
  for (const auto* entry : entries) names.push_back(entry->name);
  return fmt::format("{}", fmt::join(names, " "));
}

// What may stand for a verb's first argument.
std::string arguments_of(const Verb& verb) {
  if (verb.path == "task show") return names_of(tasks::all());
  if (verb.path == "completion") return "bash zsh fish";
  return "";
}

// All words that may follow a verb's.
std::string words_after(const Verb& verb) {
  std::vector<std::string> words;
  for (const Verb* inner : verbs_of(verb)) words.push_back(inner->last_word());
  const std::string arguments = arguments_of(verb);
  if (!arguments.empty()) words.push_back(arguments);
  words.emplace_back("--help");
  for (const OptionSpec& option : verb.options) {
    if (!option.is_argument()) words.push_back(option.name());
  }
  return fmt::format("{}", fmt::join(words, " "));
}

std::string bash_completion() {
  std::string paths;
  std::string cases;
  for (const Verb& verb : all_verbs()) {
    const bool nested = verb.path.find(' ') != std::string::npos;
    cases += fmt::format("    \"{}\") words=\"{}\" ;;\n", verb.path, words_after(verb));
    if (verb.path.empty()) continue;
    paths +=
        fmt::format("      \"{}{}\") path=\"{}\" ;;\n", nested ? "" : " ", verb.path, verb.path);
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
      paths, names_of(tasks::all()), cases);
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
  for (const Verb& verb : all_verbs()) {
    const std::string here = verb.path.empty() ? "__fish_use_subcommand"
                                               : "__fish_seen_subcommand_from " + verb.last_word();
    const std::string line = fmt::format("complete -c patchbay -n {}", fish_quoted(here));
    for (const Verb* inner : verbs_of(verb)) {
      text += fmt::format("{} -a {} -d {}\n", line, inner->last_word(), fish_quoted(inner->what));
    }
    if (const std::string words = arguments_of(verb); !words.empty()) {
      text += fmt::format("{} -a {}\n", line, fish_quoted(words));
    }
    for (const OptionSpec& option : verb.options) {
      if (option.is_argument()) continue;
      text += fmt::format("{} -l {}{} -d {}\n", line, option.name().substr(2),
                          option.is_flag() ? "" : " -r", fish_quoted(option.what));
    }
  }
  return text;
}

int run_given(const Given& given) {
  static const std::map<std::string, std::string (*)()> kShells = {
      {"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}};
  const std::string shell = given.required("SHELL", "no shell is named: bash, zsh or fish");
  const auto found = kShells.find(shell);
  if (found == kShells.end()) {
    throw Error(ErrorKind::kUsage, "completion",
                fmt::format("there is no completion for {}; there is bash, zsh and fish",
                            quoted_text(shell)));
  }
  write_output(found->second());
  return 0;
}

}  // namespace

const Verb& completion() {
  static const Verb verb = {
      .place = 140,
      .path = "completion",
      .what = "what a shell needs to complete patchbay's words",
      .examples = "patchbay completion bash\npatchbay completion zsh\npatchbay completion fish",
      .options = {{"SHELL", "", "bash, zsh or fish"}},
      .run = run_given};
  return verb;
}

}  // namespace patchbay::cli::verbs
