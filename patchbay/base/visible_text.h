// Texts from outside, made fit to be looked at.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace patchbay {

/// Controls of ASCII and Latin-1, soft hyphens, line and paragraph ends, and marks that join
/// characters or turn the direction of writing: what a reader would not see, or what would change
/// what is around it.
bool is_invisible(char32_t c);

/// The text with every character that `shows` denies as an escape: \n, \x1b, \u202e. Bytes that are
/// not UTF-8 become \xNN. Throws kUsage when `shows` holds no function.
std::string with_escapes(std::string_view text, const std::function<bool(char32_t)>& shows);

/// The text on one line, with what is invisible escaped.
std::string visible_text(std::string_view text);

/// The text on one line, `most` characters of it at most: a longer text ends in "…". Throws kUsage
/// when `most` is 0.
std::string visible_text(std::string_view text, std::size_t most);

/// The text in double quotes, whole: what is invisible is escaped, and so are quotes and
/// backslashes.
std::string quoted_text(std::string_view text);

}  // namespace patchbay
