// How a help page looks, whichever parser it is made from.
#pragma once

#include <string>
#include <vector>

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

std::string render(const HelpPage& page);

}  // namespace patchbay::cli
