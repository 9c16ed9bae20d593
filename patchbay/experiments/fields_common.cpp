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

// What `parse` reads, with the field as the place of its error.
template <class Parse>
auto parsed(std::string_view field, const std::string& text, Parse parse) {
  try {
    return parse(text);
  } catch (const Error& error) {
    throw FieldError(field, error.reason());
  }
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
  if (!value && word != "false" && word != "no") refuse(field, word, "yes or no");
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

void from_text(std::string_view field, const std::string& text, Direction& value) {
  value = parsed(field, text, parse_direction);
}
void from_text(std::string_view field, const std::string& text, SourceKind& value) {
  value = parsed(field, text, parse_source);
}
void from_text(std::string_view field, const std::string& text, EffectKind& value) {
  value = parsed(field, text, parse_effect_kind);
}
void from_text(std::string_view field, const std::string& text, Aggregate& value) {
  value = parsed(field, text, parse_aggregate);
}
void from_text(std::string_view field, const std::string& text, const metrics::Metric*& value) {
  value = parsed(field, text, [](const std::string& name) { return &metrics::find(name); });
}
void from_text(std::string_view field, const std::string& text, std::vector<std::string>& value) {
  value = parse_list(text, field);
}

void refuse_choice(std::string_view field, std::string_view text, std::string_view noun,
                   const std::vector<std::string>& names) {
  // "blocks.0.attn.hook_z" and "hook_z" are how a hook is called that a field calls "z".
  std::string_view meant = text.substr(text.rfind('.') + 1);
  if (meant.starts_with("hook_")) meant.remove_prefix(5);
  const bool is_hook = std::ranges::find(names, meant) != names.end();
  throw FieldError(
      field,
      fmt::format("there is no {}{}\"{}\"{}; there are {}", noun, noun.empty() ? "" : " ", text,
                  did_you_mean(is_hook ? meant : text, names), fmt::join(names, ", ")));
}

}  // namespace patchbay::experiments
