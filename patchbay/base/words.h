// The words of short texts that people write: lists, numbers, names.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace patchbay {

/// The text without spaces around it.
std::string_view trimmed(std::string_view text);

/// The text with the letters A to Z in lower case; other bytes stay as they are.
std::string lower_case(std::string_view text);

/// The parts of a text between separators, without spaces around them; an empty text is one empty
/// part. They are views of the text.
std::vector<std::string_view> split(std::string_view text, char separator);

/// The number that the whole text is, in decimal and without spaces; nothing for any other text.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || last != end) return std::nullopt;
  return number;
}

}  // namespace patchbay
