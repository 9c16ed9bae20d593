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

// What is wrong with the named positions of one prompt, or "".
std::string positions_rule(std::string_view side, const std::vector<std::int32_t>& positions,
                           const std::vector<std::string>& names, std::int32_t length) {
  if (positions.size() != names.size()) {
    return fmt::format("has {} {} positions for {} names", positions.size(), side, names.size());
  }
  for (std::size_t i = 0; i < positions.size(); ++i) {
    if (positions[i] >= -1 && positions[i] < length) continue;
    return fmt::format("has its {} position {} at {}; the prompt has {} tokens", side,
                       in_quotes(names[i]), positions[i], length);
  }
  if (positions.back() == length - 1) return "";
  return fmt::format("has its {} position \"END\" at {}, not at the last token, {}", side,
                     positions.back(), length - 1);
}

// What is wrong with one pair, or "".
std::string pair_rule(const PromptPair& pair, const std::vector<std::string>& names) {
  if (pair.clean.empty()) return "is empty";
  if (pair.clean.size() != pair.corrupted.size()) {
    return fmt::format("has {} clean tokens and {} corrupted ones; they must be as many",
                       pair.clean.size(), pair.corrupted.size());
  }
  if (pair.answers.empty()) return "has no answer";
  const auto length = static_cast<std::int32_t>(pair.clean.size());
  const std::string rule = positions_rule("clean", pair.positions, names, length);
  return rule.empty() ? positions_rule("corrupted", pair.corrupted_positions, names, length) : rule;
}

}  // namespace

std::string PromptSet::broken_rule() const {
  if (pairs.empty()) return "there are no prompts";
  if (position_names.empty() || position_names.back() != "END") {
    return "the last of its position names must be \"END\"";
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const std::string rule = pair_rule(pairs[i], position_names);
    if (!rule.empty()) {
      return fmt::format("{} {}", name_of(static_cast<std::int64_t>(i)), rule);
    }
  }
  return "";
}

void PromptSet::check() const {
  if (const std::string rule = broken_rule(); !rule.empty()) {
    throw Error(ErrorKind::kUsage, "prompts",
                fmt::format("{}: {}; make the set with PromptBuilder", in_quotes(task), rule));
  }
}

std::string PromptSet::name_of(std::int64_t pair) const {
  const std::string& origin = pairs[static_cast<std::size_t>(pair)].origin;
  return fmt::format("prompt {}{}", pair, origin.empty() ? "" : fmt::format(" ({})", origin));
}

std::size_t PromptSet::index_of_position(std::string_view name) const {
  const auto found = std::ranges::find(position_names, name);
  if (found != position_names.end()) {
    return static_cast<std::size_t>(found - position_names.begin());
  }
  throw Error(ErrorKind::kUsage, "position",
              fmt::format("{} is not a position of {}, which names {}{}", in_quotes(name), task,
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
