// Values of an experiment's fields, as text and back. A new type of field needs a `to_text` and a
// `from_text` here.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/experiments/experiment.h"
#include "patchbay/experiments/selection_common.h"
#include "patchbay/metrics/metric.h"
#include "patchbay/patching/source.h"

namespace patchbay::experiments {

/// A value of a field and its name.
template <class Value>
struct Choice {
  std::string_view name;
  Value value;
};

/// The values that a field may have.
template <class Value>
struct OneOf {
  std::span<const Choice<Value>> choices;
  std::string_view noun = "";  ///< "site": what errors call one
};
template <class Value, std::size_t kCount>
constexpr OneOf<Value> one_of(const Choice<Value> (&choices)[kCount], std::string_view noun = "") {
  return {choices, noun};
}

template <class Value>
inline constexpr bool is_list = false;
template <class Value>
inline constexpr bool is_list<std::vector<Value>> = true;
template <class Value>
inline constexpr bool is_optional = false;
template <class Value>
inline constexpr bool is_optional<std::optional<Value>> = true;

/// A word for the texts of a type, as help pages print it: "N" whole numbers, "X" any numbers.
template <class Value>
constexpr std::string_view type_word() {
  if constexpr (is_optional<Value>) {
    return type_word<typename Value::value_type>();
  } else if constexpr (requires { Value::kTypeWord; }) {
    return Value::kTypeWord;
  } else if constexpr (is_list<Value> || std::derived_from<Value, Selection>) {
    return "LIST";
  } else if constexpr (std::same_as<Value, double>) {
    return "X";
  } else if constexpr (std::integral<Value> && !std::same_as<Value, bool>) {
    return "N";
  } else {
    return "NAME";
  }
}

/// Whole numbers from least to most.
struct Range {
  std::int64_t least = 0;
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
};
/// Throws FieldError for a number outside, whose bound only a model knows.
void check_range(std::string_view field, std::int64_t value, Range range);

/// Texts that `from_text` reads back as the same value. "" is what no text stands for: a null
/// metric, an enumerator that does not exist.
std::string to_text(bool value);
std::string to_text(double value);
std::string to_text(std::int64_t value);
std::string to_text(std::uint64_t value);
template <class Named>
requires requires(Named value) { std::string_view(name_of(value)); }
std::string to_text(Named value) {  // a Direction, SourceKind, EffectKind, Aggregate
  return std::string(name_of(value));
}
std::string to_text(const metrics::Metric* value);
std::string to_text(const std::vector<std::string>& value);
inline std::string to_text(const Selection& value) { return value.text(); }

/// All throw kUsage whose place is the field.
void from_text(std::string_view field, const std::string& text, bool& value);
void from_text(std::string_view field, const std::string& text, double& value);
void from_text(std::string_view field, const std::string& text, std::int64_t& value,
               Range range = {});
void from_text(std::string_view field, const std::string& text, std::uint64_t& value);
void from_text(std::string_view field, const std::string& text, Direction& value);
void from_text(std::string_view field, const std::string& text, SourceKind& value);
void from_text(std::string_view field, const std::string& text, EffectKind& value);
void from_text(std::string_view field, const std::string& text, Aggregate& value);
void from_text(std::string_view field, const std::string& text, const metrics::Metric*& value);
void from_text(std::string_view field, const std::string& text, std::vector<std::string>& value);
template <std::derived_from<Selection> Kind>
void from_text(std::string_view /*field*/, const std::string& text, Kind& value) {
  value = Kind(text);
}

/// The same of what may be left to something else: "" for nothing.
template <class Value>
std::string to_text(const std::optional<Value>& value) {
  return value ? to_text(*value) : "";
}
template <class Value>
void from_text(std::string_view field, const std::string& text, std::optional<Value>& value) {
  if (text.empty()) return value.reset();
  from_text(field, text, value.emplace());
}

/// The same of values with names.
template <class Value>
std::string to_text(const Value& value, OneOf<Value> one_of) {
  for (const Choice<Value>& choice : one_of.choices) {
    if (choice.value == value) return std::string(choice.name);
  }
  return "";
}
template <class Value>
std::string to_text(const std::optional<Value>& value, OneOf<Value> one_of) {
  return value ? to_text(*value, one_of) : "";
}
template <class Value>
std::string to_text(const std::vector<Value>& values, OneOf<Value> one_of) {
  std::string text;
  for (const Value& value : values) text += (text.empty() ? "" : ",") + to_text(value, one_of);
  return text;
}
[[noreturn]] void refuse_choice(std::string_view field, std::string_view text,
                                std::string_view noun, const std::vector<std::string>& names);
template <class Value>
void from_text(std::string_view field, const std::string& text, Value& value, OneOf<Value> one_of) {
  std::vector<std::string> names;
  for (const Choice<Value>& choice : one_of.choices) {
    if (choice.name == text) {
      value = choice.value;
      return;
    }
    names.emplace_back(choice.name);
  }
  refuse_choice(field, text, one_of.noun, names);
}
template <class Value>
void from_text(std::string_view field, const std::string& text, std::optional<Value>& value,
               OneOf<Value> one_of) {
  if (text.empty()) return value.reset();
  from_text(field, text, value.emplace(), one_of);
}
template <class Value>
void from_text(std::string_view field, const std::string& text, std::vector<Value>& values,
               OneOf<Value> one_of) {
  values.clear();
  for (const std::string& name : parse_list(text, field)) {
    from_text(field, name, values.emplace_back(), one_of);
  }
}

}  // namespace patchbay::experiments
