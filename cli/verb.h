// A verb of the command line: its words as data, which the parser, the help pages and the shells'
// completions are made from, and its function.
//
// To add one, write cli/verbs/NAME.cpp with `const Verb& NAME()`; CMake finds it
// (cmake/PatchbayRegistry.cmake). verbs/hooks.cpp is a short one to copy.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "cli/given.h"

namespace patchbay::cli {

struct OptionSpec {
  std::string names;  ///< "-m,--model"; without a dash for an argument by place
  std::string type;   ///< "PATH"; empty for a flag and for an argument by place, "…" for several,
                      ///< "[yes]" for an option that may be "yes" without saying so
  std::string what;
  bool is_setting = false;  ///< what the verb alone has, listed apart from what it shares
  [[nodiscard]] bool is_argument() const { return !names.starts_with('-'); }
  [[nodiscard]] bool is_flag() const { return !is_argument() && type.empty(); }
  /// An option that means "yes" where no value follows.
  [[nodiscard]] bool is_switch() const { return type == "[yes]"; }
  /// An argument by place that may be given several times.
  [[nodiscard]] bool is_many() const { return is_argument() && type == "…"; }
  /// By which Given knows it: "--model", "TEXT".
  [[nodiscard]] std::string name() const { return names.substr(names.find(',') + 1); }
};

using Options = std::vector<OptionSpec>;
/// One after the other.
Options together(std::initializer_list<Options> lists);

struct Verb {
  int place = 0;     ///< on the help pages: verbs stand by rising place
  std::string path;  ///< "model info"; empty for the command itself
  std::string what;
  std::string examples;  ///< one a line, as typed from the repository's root
  Options options{};     ///< in the order of its page, without those that every verb has
  /// Verbs that belong to it and have no files of their own, as experiments belong to run. Options
  /// of theirs that may stand before their word are `shared`.
  std::vector<Verb> inner{};
  Options shared{};
  std::string noun = "command";  ///< what a verb that belongs to it is called
  /// Does it and returns the exit code; what goes wrong is thrown as Error.
  std::function<int(const Given& given)> run{};

  /// "patchbay model info"
  [[nodiscard]] std::string command() const {
    return path.empty() ? "patchbay" : "patchbay " + path;
  }
  /// "info"
  [[nodiscard]] std::string last_word() const { return path.substr(path.rfind(' ') + 1); }
};

namespace verbs {
/// Those of the files in cli/verbs.
const std::vector<const Verb*>& all();
}  // namespace verbs

/// All of them by place, each after the verb that it belongs to and with the options that every
/// verb has. The first is patchbay itself.
const std::vector<Verb>& all_verbs();

/// The verb of that path, which is one.
const Verb& find_verb(std::string_view path);
/// The verbs that belong to it: "model info" to "model".
std::vector<const Verb*> verbs_of(const Verb& verb);

}  // namespace patchbay::cli
