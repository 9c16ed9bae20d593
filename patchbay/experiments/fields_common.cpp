#include "patchbay/experiments/fields_common.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "patchbay/base/suggest.h"
#include "patchbay/base/words.h"

namespace patchbay::experiments {
namespace {

[[noreturn]] void refuse(std::string_view field, std::string_view text, std::string_view wanted) {
  throw FieldError(field, fmt::format("\"{}\" is not {}", text, wanted));
}

[[noreturn]] void refuse_number(std::string_view field, std::string_view text, Range range) {
  refuse(field, text, fmt::format("a whole number from {} to {}", range.least, range.most));
}

}  // namespace

void check_range(std::string_view field, std::int64_t value, Range range) {
  if (value < range.least || value > range.most) refuse_number(field, to_text(value), range);
}

std::string to_text(bool value) { return value ? "yes" : "no"; }
std::string to_text(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}
std::string to_text(std::int64_t value) { return std::to_string(value); }
std::string to_text(std::uint64_t value) { return std::to_string(value); }
std::string to_text(const metrics::Metric* value) {
  return value == nullptr || !value->compute ? "" : std::string(value->name);
}
std::string to_text(const std::vector<std::string>& value) {
  return fmt::format("{}", fmt::join(value, ","));
}

void from_text(std::string_view field, const std::string& text, bool& value) {
  const std::string_view word = trimmed(text);
  value = word == "true" || word == "yes";
  if (!value && word != "false" && word != "no") refuse(field, word, "true or false");
}

void from_text(std::string_view field, const std::string& text, double& value) {
  const auto number = parse_number<double>(trimmed(text));
  if (!number || !std::isfinite(*number)) refuse(field, text, "a number");
  value = *number;
}

void from_text(std::string_view field, const std::string& text, std::int64_t& value, Range range) {
  const auto number = parse_number<std::int64_t>(trimmed(text));
  if (!number || *number < range.least || *number > range.most) refuse_number(field, text, range);
  value = *number;
}

void from_text(std::string_view field, const std::string& text, std::uint64_t& value) {
  std::int64_t number = 0;
  from_text(field, text, number, Range{});
  value = static_cast<std::uint64_t>(number);
}

// The places of these errors are the fields' names already.
void from_text(std::string_view /*field*/, const std::string& text, Direction& value) {
  value = parse_direction(text);
}
void from_text(std::string_view /*field*/, const std::string& text, SourceKind& value) {
  value = parse_source(text);
}
void from_text(std::string_view /*field*/, const std::string& text, EffectKind& value) {
  value = parse_effect_kind(text);
}
void from_text(std::string_view /*field*/, const std::string& text, Aggregate& value) {
  value = parse_aggregate(text);
}
void from_text(std::string_view /*field*/, const std::string& text, const metrics::Metric*& value) {
  value = &metrics::find(text);
}
void from_text(std::string_view field, const std::string& text, std::vector<std::string>& value) {
  value = parse_list(text, field);
}

void refuse_choice(std::string_view field, std::string_view text, std::string_view noun,
                   const std::vector<std::string>& names) {
  throw FieldError(
      field, fmt::format("there is no {}{}\"{}\"{}; there are {}", noun, noun.empty() ? "" : " ",
                         text, did_you_mean(text, names), fmt::join(names, ", ")));
}

}  // namespace patchbay::experiments
