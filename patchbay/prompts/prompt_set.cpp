// Prompts that an experiment runs: pairs of a clean and a corrupted prompt with answers and names.
#include "patchbay/prompts/prompt_set.h"

#include <fmt/format.h>

#include <algorithm>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/base/utf8.h"

namespace patchbay {
namespace {

std::vector<Prompt> all_of(const std::vector<PromptPair>& pairs, Prompt PromptPair::*side) {
  std::vector<Prompt> prompts;
  prompts.reserve(pairs.size());
  for (const PromptPair& pair : pairs) prompts.push_back(pair.*side);
  return prompts;
}

}  // namespace

std::size_t PromptSet::index_of_position(std::string_view name) const {
  const auto found = std::ranges::find(position_names, name);
  if (found != position_names.end()) {
    return static_cast<std::size_t>(found - position_names.begin());
  }
  throw Error(ErrorKind::kUsage, "position",
              fmt::format("{} is no position of {}, which names {}{}", in_quotes(name), task,
                          fmt::join(position_names, ", "), did_you_mean(name, position_names)));
}

std::vector<Prompt> PromptSet::clean() const { return all_of(pairs, &PromptPair::clean); }
std::vector<Prompt> PromptSet::corrupted() const { return all_of(pairs, &PromptPair::corrupted); }

std::int64_t PromptSet::longest() const {
  std::size_t longest = 0;
  for (const PromptPair& pair : pairs) longest = std::max(longest, pair.clean.size());
  return static_cast<std::int64_t>(longest);
}

bool PromptSet::is_rectangular() const {
  return std::ranges::all_of(
      pairs, [&](const PromptPair& pair) { return pair.clean.size() == pairs[0].clean.size(); });
}

}  // namespace patchbay
