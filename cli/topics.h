// What patchbay help explains: topics, and verbs by their words.
#pragma once

#include <string>
#include <vector>

#include "cli/verb.h"

namespace patchbay::cli {

struct Topic {
  std::string name;
  std::string what;
  std::string page;
};

std::vector<Topic> topics();

/// The verb whose words these are, or the experiment of that name. Throws kUsage with the nearest
/// name, of topics too.
const Verb& verb_named(const std::vector<std::string>& words);

}  // namespace patchbay::cli
