// Prompts that an experiment runs: pairs of a clean and a corrupted prompt with answers and names.
#include "patchbay/prompts/prompt_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

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
std::string positions_rule(std::string_view side, const std::vector<TokenSpan>& positions,
                           const std::vector<std::string>& names, std::int32_t length) {
  if (positions.size() != names.size()) {
    return fmt::format("has {} {} positions for {} names", positions.size(), side, names.size());
  }
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const auto [first, last] = positions[i];
    if (positions[i] == TokenSpan() || (0 <= first && first <= last && last < length)) continue;
    return fmt::format(
        "has its {} position {} at {}; the prompt has {} tokens", side, in_quotes(names[i]),
        first == last ? fmt::format("{}", first) : fmt::format("{} to {}", first, last), length);
  }
  if (positions.back() == TokenSpan(length - 1)) return "";
  return fmt::format("has its {} position \"END\" at {}, not at the last token, {}", side,
                     positions.back().last, length - 1);
}

// What is wrong with one pair, or "".
std::string pair_rule(const PromptPair& pair, const std::vector<std::string>& names) {
  if (pair.clean.empty()) return "is empty";
  if (pair.has_corrupted() && pair.clean.size() != pair.corrupted.size()) {
    return fmt::format("has {} clean tokens and {} corrupted ones; they must be as many",
                       pair.clean.size(), pair.corrupted.size());
  }
  if (pair.answers.empty()) return "has no answer";
  const auto length = static_cast<std::int32_t>(pair.clean.size());
  std::string rule = positions_rule("clean", pair.positions, names, length);
  if (!rule.empty() || !pair.has_corrupted()) return rule;
  return positions_rule("corrupted", pair.corrupted_positions, names, length);
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

std::int64_t PromptSet::n_distinct() const {
  using Tokens = std::vector<TokenId>;
  std::set<std::tuple<Tokens, Tokens, Tokens, Tokens>> distinct;
  for (const PromptPair& pair : pairs) {
    distinct.emplace(pair.clean, pair.corrupted, pair.answers, pair.wrongs);
  }
  return std::ssize(distinct);
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

NamedPosition PromptSet::named_position(std::string_view text) const {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return index_of_position(text);
  const std::string_view part = text.substr(colon + 1);
  if (part != "first" && part != "last") {
    throw Error(ErrorKind::kUsage, "position",
                fmt::format("{} is not a part of a position; write {}:first or {}:last",
                            in_quotes(text), text.substr(0, colon), text.substr(0, colon)));
  }
  return {index_of_position(text.substr(0, colon)),
          part == "first" ? NamedPosition::Part::kFirst : NamedPosition::Part::kLast};
}

std::string PromptSet::text_of(const NamedPosition& position) const {
  constexpr std::string_view kParts[] = {"", ":first", ":last"};
  return fmt::format("{}{}", position_names[position.name],
                     kParts[static_cast<std::size_t>(position.part)]);
}

std::string PromptSet::tokens_text(const NamedPosition& position) const {
  std::int32_t least = 0;
  std::int32_t most = 0;
  for (const PromptPair& pair : pairs) {
    for (const auto* side : {&pair.positions, &pair.corrupted_positions}) {
      const std::int32_t size = position.of((*side)[position.name]).size();
      if (size == 0) continue;
      least = least == 0 ? size : std::min(least, size);
      most = std::max(most, size);
    }
  }
  if (most <= 1) return "";
  return least == most ? fmt::format("{} tokens", most) : fmt::format("{}-{} tokens", least, most);
}

std::vector<Prompt> PromptSet::clean() const { return all_of(pairs, &PromptPair::clean); }
std::vector<Prompt> PromptSet::corrupted() const { return all_of(pairs, &PromptPair::corrupted); }

std::int64_t PromptSet::longest() const {
  std::size_t longest = 0;
  for (const PromptPair& pair : pairs) longest = std::max(longest, pair.clean.size());
  return static_cast<std::int64_t>(longest);
}

bool PromptSet::has_corrupted() const {
  return std::ranges::all_of(pairs, [](const PromptPair& pair) { return pair.has_corrupted(); });
}

void PromptSet::require_corrupted(std::string_view reader) const {
  const auto without =
      std::ranges::find_if_not(pairs, [](const PromptPair& pair) { return pair.has_corrupted(); });
  if (without == pairs.end()) return;
  throw Error(
      ErrorKind::kBadData, "prompts",
      fmt::format("{} has no corrupted prompt, which {} reads; give it one, or ask for what "
                  "reads the clean prompts alone, such as `source` zero",
                  name_of(without - pairs.begin()), reader));
}

bool PromptSet::is_rectangular() const {
  return std::ranges::all_of(
      pairs, [&](const PromptPair& pair) { return pair.clean.size() == pairs[0].clean.size(); });
}

}  // namespace patchbay
