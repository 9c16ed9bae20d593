#include "patchbay/base/visible_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "patchbay/base/error.h"
#include "patchbay/base/utf8.h"

namespace patchbay {
namespace {

std::string escaped(char32_t c) {
  switch (c) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return c < 0x20 || c == 0x7F ? fmt::format("\\x{:02x}", static_cast<unsigned>(c))
                                   : fmt::format("\\u{:04x}", static_cast<unsigned>(c));
  }
}

bool shows(char32_t c) { return !is_invisible(c); }

}  // namespace

bool is_invisible(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x61C ||
         (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) ||
         (c & 0xFFFE) == 0xFFFE;
}

std::string with_escapes(std::string_view text, const std::function<bool(char32_t)>& shows_it) {
  if (!shows_it) throw Error(ErrorKind::kUsage, "text", "no function says what shows; give one");
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    if (c.length == 0) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
      ++i;
      continue;
    }
    result +=
        shows_it(c.code_point) ? std::string(text.substr(i, c.length)) : escaped(c.code_point);
    i += c.length;
  }
  return result;
}

std::string visible_text(std::string_view text) { return with_escapes(text, shows); }

std::string visible_text(std::string_view text, std::size_t most) {
  if (most == 0)
    throw Error(ErrorKind::kUsage, "text", "0 characters show nothing; ask for 1 or more");
  std::size_t end = 0;
  std::size_t characters = 0;
  while (end < text.size() && characters < most) {
    const std::size_t length = decode_utf8(text, end).length;
    end += length == 0 ? 1 : length;
    ++characters;
  }
  if (end == text.size()) return visible_text(text);
  // The last of them makes room for the mark.
  std::size_t last = end - 1;
  while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xC0U) == 0x80U) --last;
  return visible_text(text.substr(0, last)) + "…";
}

std::string quoted_text(std::string_view text) {
  std::string result = "\"";
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find_first_of("\"\\", begin), text.size());
    result += visible_text(text.substr(begin, end - begin));
    if (end < text.size()) result += {'\\', text[end]};
    begin = end + 1;
  }
  return result + "\"";
}

}  // namespace patchbay
