// What a name stands for in a prompt: one token, or the several of a word.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace patchbay {

/// The tokens [first, last] of a prompt that a name stands for. −1 and −1 where the prompt has no
/// such word.
struct TokenSpan {
  std::int32_t first = -1;
  std::int32_t last = -1;

  TokenSpan() = default;
  /// One token.
  TokenSpan(std::int32_t token) : first(token), last(token) {}  // NOLINT: a token is a span
  TokenSpan(std::int32_t first_token, std::int32_t last_token)
      : first(first_token), last(last_token) {}

  [[nodiscard]] bool is_there() const { return last >= 0; }
  /// How many tokens; 0 where there are none.
  [[nodiscard]] std::int32_t size() const { return is_there() ? last - first + 1 : 0; }
  [[nodiscard]] bool has(std::int32_t token) const { return first <= token && token <= last; }
  friend bool operator==(const TokenSpan&, const TokenSpan&) = default;
};

/// A named position as it is asked for: "S2" is all tokens of the name, "S2:first" and "S2:last"
/// are one of them.
struct NamedPosition {
  enum class Part { kWhole, kFirst, kLast };
  std::size_t name = 0;  ///< in PromptSet::position_names
  Part part = Part::kWhole;

  NamedPosition(std::size_t of_name, Part of_part = Part::kWhole)  // NOLINT: a name is a position
      : name(of_name), part(of_part) {}

  /// Of the tokens that the name stands for, those that are asked for.
  [[nodiscard]] TokenSpan of(const TokenSpan& tokens) const {
    switch (part) {
      case Part::kFirst:
        return tokens.first;
      case Part::kLast:
        return tokens.last;
      case Part::kWhole:
        break;
    }
    return tokens;
  }
  auto operator<=>(const NamedPosition&) const = default;
};

}  // namespace patchbay
