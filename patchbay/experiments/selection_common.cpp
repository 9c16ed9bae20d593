#include "patchbay/experiments/selection_common.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "patchbay/base/words.h"
#include "patchbay/circuits/circuit.h"
#include "patchbay/experiments/experiment.h"

namespace patchbay::experiments {
namespace {

std::vector<std::int64_t> parse_indices(std::string_view text, std::string_view field,
                                        std::int64_t count) {
  std::vector<std::int64_t> numbers;
  const std::vector<std::string> parts = parse_list(text, field);
  refuse_doubled(parts, field);
  for (const std::string& part : parts) {
    if (part == "middle") {
      numbers.push_back((count - 1) / 2);
      continue;
    }
    const auto dash = part.find('-', 1);
    auto first = parse_number<std::int64_t>(std::string_view(part).substr(0, dash));
    auto last = dash == std::string::npos
                    ? first
                    : parse_number<std::int64_t>(std::string_view(part).substr(dash + 1));
    if (first && *first < 0) *first += count;
    if (last && *last < 0) *last += count;
    if (!first || !last || *first < 0 || *last >= count || *first > *last) {
      throw FieldError(
          field, fmt::format("\"{}\" is not a number or a range of 0 to {}", part, count - 1));
    }
    for (std::int64_t number = *first; number <= *last; ++number) numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

}  // namespace

std::vector<std::string> parse_list(std::string_view text, std::string_view field) {
  if (trimmed(text).empty()) return {};
  std::vector<std::string_view> parts = split(text, ',');
  if (parts.back().empty()) parts.pop_back();  // a comma may end the list
  if (std::ranges::find(parts, std::string_view()) != parts.end()) {
    throw FieldError(
        field, fmt::format("\"{}\" is not a list: a name between two commas is missing", text));
  }
  return {parts.begin(), parts.end()};
}

void refuse_doubled(const std::vector<std::string>& parts, std::string_view field) {
  for (const std::string& part : parts) {
    if (std::ranges::count(parts, part) > 1) {
      throw FieldError(field, fmt::format("{} is given twice; name it once", part));
    }
  }
}

void Selection::set(const std::vector<std::string>& parts) {
  text_ = parts.empty() ? " " : fmt::format("{}", fmt::join(parts, ","));
}

Indices::Indices(std::span<const std::int64_t> numbers) {
  std::vector<std::string> parts;
  for (const std::int64_t number : numbers) parts.push_back(std::to_string(number));
  set(parts);
}

std::vector<std::int64_t> Indices::of(std::int64_t count, std::string_view field) const {
  if (is_given()) return parse_indices(text(), field, count);
  std::vector<std::int64_t> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

PositionList::PositionList(std::span<const std::string> names) {
  set({names.begin(), names.end()});
}

PositionChoice PositionList::of(const PromptSet& prompts, std::string_view field) const {
  PositionChoice choice;
  const std::vector<std::string> wanted = parse_list(text(), field);
  refuse_doubled(wanted, field);
  const bool all = wanted.empty() || (wanted.size() == 1 && wanted.front() == "all");
  const auto by_number = [&](const std::string& part) {
    return part == "middle" || part.find_first_not_of("0123456789-") == std::string::npos;
  };
  const auto add_name = [&](const std::string& name) {
    const NamedPosition position = prompts.named_position(name);
    const std::string tokens = prompts.tokens_text(position);
    choice.labels.push_back(tokens.empty() ? name : fmt::format("{} ({})", name, tokens));
    choice.positions.push_back(Positions::named(position));
  };
  if (!prompts.is_rectangular() && (all || std::ranges::any_of(wanted, by_number))) {
    throw FieldError(
        field, fmt::format("the prompts of {} have different lengths, so position numbers mean "
                           "different things; name positions: {}",
                           prompts.task, fmt::join(prompts.position_names, ", ")));
  }
  const auto add_numbers = [&](const Indices& numbers) {
    for (const std::int64_t number : numbers.of(prompts.longest(), field)) {
      choice.labels.push_back(std::to_string(number));
      choice.positions.push_back(Positions::at(static_cast<std::int32_t>(number)));
    }
  };
  if (all || std::ranges::all_of(wanted, by_number)) {
    add_numbers(all ? Indices() : Indices(text()));
    return choice;
  }
  for (const std::string& part : wanted) {
    by_number(part) ? add_numbers(Indices(part)) : add_name(part);
  }
  return choice;
}

std::vector<Positions> PositionList::at_once(const PromptSet& prompts,
                                             std::string_view field) const {
  if (is_all()) return {Positions{}};
  return of(prompts, field).positions;
}

NodeList::NodeList(std::span<const Head> heads) {
  std::vector<std::string> parts;
  for (const Head& head : heads) parts.push_back(patchbay::text_of(head));
  set(parts);
}

Place head_place(std::string_view text, HookPoint site, std::string_view field) {
  const std::optional<Head> head = parse_head(text);
  if (!head) {
    throw FieldError(field, fmt::format("\"{}\" is not a head such as 9.6 (layer 9, head 6){}",
                                        text, near_head(text)));
  }
  return {.site = site, .layer = head->layer, .head = head->head};
}

}  // namespace patchbay::experiments
