// Every verb of the command line, its options and its examples, as data: the parser and the help
// pages are made from it.
#pragma once

#include <deque>
#include <string>
#include <vector>

namespace patchbay::cli {

struct OptionSpec {
  std::string names;  ///< "-m,--model"; without a dash for an argument by place
  std::string type;   ///< "PATH"; empty for a flag and for an argument by place, "…" for several
  std::string what;
  [[nodiscard]] bool is_argument() const { return !names.starts_with('-'); }
  [[nodiscard]] bool is_flag() const { return !is_argument() && type.empty(); }
  /// An argument by place that may be given several times.
  [[nodiscard]] bool is_many() const { return is_argument() && type == "…"; }
};

struct VerbSpec {
  std::string path;  ///< "model info"
  std::string what;
  std::string examples;  ///< one a line, as typed from the repository's root
  std::vector<OptionSpec> options{};
};

/// In the order of the help pages, each after the verb that it belongs to. The first is patchbay
/// itself, under the empty path.
std::deque<VerbSpec> verbs();

}  // namespace patchbay::cli
