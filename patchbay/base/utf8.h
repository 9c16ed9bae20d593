// UTF-8, one character at a time: decoding, encoding, and where a text is not UTF-8.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace patchbay {

/// One character of a text.
struct Utf8Char {
  char32_t code_point = 0;
  std::size_t length = 0;  ///< how many bytes it has; 0 where there is no character in UTF-8
};

/// The character that begins at `offset`. The length is 0 at the end of the text and beyond, and
/// for what the Unicode standard calls ill-formed: stray and missing continuation bytes, overlong
/// forms, surrogates, values beyond U+10FFFF.
Utf8Char decode_utf8(std::string_view text, std::size_t offset);

/// The offset of the first byte that does not belong to a well-formed character, if there is one.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

/// Appends the character to `out`. Throws kUsage for what is not a Unicode scalar value:
/// surrogates, and values beyond U+10FFFF.
void append_utf8(char32_t code_point, std::string& out);

/// The text in double quotes as a message can show it: controls, quotes and bytes that are not
/// UTF-8 are escaped, and what is long ends in "…".
std::string in_quotes(std::string_view text);

}  // namespace patchbay
