// The command line, read with CLI11: what the verbs declare, and errors that suggest a name.
//
// Everything arrives as text; Given turns it into numbers. CLI11's own messages are replaced
// because they do not suggest.
#include "cli/parser.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <optional>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/base/visible_text.h"
#include "patchbay/experiments/experiment.h"

namespace patchbay::cli {
namespace {

void declare(CLI::App& app, const Verb& verb) {
  app.set_help_flag("-h,--help");
  app.allow_extras();
  app.require_subcommand(0, 1);  // so that a later word is never taken for a verb
  for (const OptionSpec& option : together({verb.options, verb.shared})) {
    if (option.is_flag()) {
      app.add_flag(option.names);
      continue;
    }
    CLI::Option* made = app.add_option(option.names)
                            ->type_name(option.type)
                            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
                            ->allow_extra_args(option.is_many());
    constexpr int kMost = 1 << 16;
    if (option.is_many()) made->expected(0, kMost);
    if (option.is_switch()) made->expected(0, 1);
  }
  for (const Verb* inner : verbs_of(verb)) {
    declare(*app.add_subcommand(inner->last_word()), *inner);
  }
}

struct Chosen {
  const CLI::App& app;
  const Verb& verb;
};

Chosen chosen(const CLI::App& app, const std::string& path = "") {
  const auto inner = app.get_subcommands();
  if (inner.empty()) return {app, find_verb(path)};
  const std::string before = path.empty() ? "" : path + " ";
  return chosen(*inner.front(), before + inner.front()->get_name());
}

// With what stands before the verb's last word, where the verb that it belongs to shares options.
Given given_of(const Chosen& here) {
  Given::Words words;
  for (const OptionSpec& option : here.verb.options) {
    std::vector<std::string>& all = words[option.name()];
    for (const CLI::App* app = &here.app; app != nullptr; app = app->get_parent()) {
      const CLI::Option* given = app->get_option_no_throw(option.name());
      if (given != nullptr) std::ranges::copy(given->results(), std::back_inserter(all));
    }
    if (!option.is_switch()) continue;
    for (std::string& word : all) {
      if (word.empty()) word = "yes";
    }
  }
  return {here.verb.command(), std::move(words)};
}

// What is near a name that is no option, ready to append; or how to write a text that is like one.
std::string advice_for(const std::string& name, const Options& known, bool takes_text) {
  std::vector<std::string> names = {"--help"};
  for (const OptionSpec& option : known) {
    if (!option.is_argument()) names.push_back(option.name());
  }
  const std::string renamed = fmt::format(
      "--{}", experiments::renamed_field(name.substr(std::min<std::size_t>(2, name.size()))));
  if (std::ranges::find(names, renamed) != names.end()) {
    return fmt::format("; did you mean {}?", quoted_text(renamed));
  }
  const std::string nearest = did_you_mean(name, names);
  return nearest.empty() && takes_text ? "; put -- before a text that begins with a dash" : nearest;
}

// "a, b and c"
std::string enumeration(const std::vector<std::string>& words) {
  if (words.size() < 2) return fmt::format("{}", fmt::join(words, ""));
  return fmt::format("{} and {}", fmt::join(words.begin(), words.end() - 1, ", "), words.back());
}

// "accuracy has no option --threshold, which is one of find_circuit; accuracy has --metrics", for
// settings of the verbs beside this one.
std::optional<std::string> owners_of(const std::string& name, const Verb& verb) {
  std::vector<std::string> owners;
  for (const Verb* other : verbs_of(find_verb(verb.path.substr(0, verb.path.find(' '))))) {
    const auto is_it = [&](const OptionSpec& option) {
      return option.is_setting && option.name() == name;
    };
    if (std::ranges::any_of(other->options, is_it)) owners.push_back(other->last_word());
  }
  if (owners.empty()) return std::nullopt;
  std::vector<std::string> own;
  for (const OptionSpec& option : verb.options) {
    if (option.is_setting) own.push_back(option.name());
  }
  return fmt::format("{} has no option {}, which is one of {}; {} has {}", verb.last_word(), name,
                     enumeration(owners), verb.last_word(), enumeration(own));
}

// The first argument that nothing took.
void refuse_unknown(const Verb& verb, const Given& given, const std::vector<std::string>& left) {
  const auto first = std::ranges::find_if(left, [](const auto& word) { return word != "--"; });
  if (first == left.end()) return;
  const std::string& word = *first;
  const bool after_mark = std::find(left.begin(), first, "--") != first;
  if (word.starts_with('-') && !after_mark) {
    const std::string name = word.substr(0, word.find('='));
    if (given.knows(name)) {
      given.fail(fmt::format("{} stands before {}; write it after", name, verb.last_word()));
    }
    if (const auto owned = owners_of(name, verb)) given.fail(*owned);
    given.fail(fmt::format("there is no option {}{}", quoted_text(name),
                           advice_for(name, verb.options, given.knows("TEXT"))));
  }
  std::vector<std::string> names;
  for (const Verb* inner : verbs_of(verb)) names.push_back(inner->last_word());
  if (!names.empty()) {
    given.fail(fmt::format("there is no {} {}{}", verb.noun, quoted_text(word),
                           did_you_mean(word, names)));
  }
  const bool is_part = word.find(' ') == std::string::npos && given.knows("TEXT");
  given.fail(fmt::format("the argument {} is one too many{}", quoted_text(word),
                         is_part ? "; put a text with spaces in quotes" : ""));
}

}  // namespace

Parsed parse(int argc, const char* const* argv) {
  CLI::App app("", "patchbay");
  declare(app, find_verb(""));
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const Verb& verb = chosen(app).verb;
    return {verb, Given(verb.command(), {}), true};
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string text = error.what();  // "--model: 1 required PATH missing"
    given_of(chosen(app)).fail(text.substr(0, text.find(':')) + " needs a value");
  } catch (const CLI::ParseError& error) {
    given_of(chosen(app)).fail(error.what());
  }
  const Chosen here = chosen(app);
  Given given = given_of(here);
  refuse_unknown(here.verb, given, app.remaining(true));
  Given whole = given_of({app, find_verb("")});
  if (whole.flag("--version")) return {find_verb(""), std::move(whole)};
  return {here.verb, std::move(given)};
}

}  // namespace patchbay::cli
