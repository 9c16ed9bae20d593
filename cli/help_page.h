// How a help page looks: what one verb of verbs.h says about itself.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "cli/verbs.h"

namespace patchbay::cli {

struct HelpPage {
  struct Entry {
    std::string name;  ///< "--top-k N", "predict"
    std::string what;
  };
  std::string command;  ///< "patchbay predict"
  std::string what;
  std::string usage;  ///< what follows the command
  std::vector<Entry> verbs;
  std::vector<Entry> arguments;
  std::vector<Entry> options;
  std::string examples;  ///< one a line, as typed from the repository's root
};

/// The page of one verb: "model info", "" for the command itself.
HelpPage page_of(const std::deque<VerbSpec>& verbs, std::string_view path);

std::string render(const HelpPage& page);
/// The page in roff, for man.
std::string render_roff(const HelpPage& page);

}  // namespace patchbay::cli
