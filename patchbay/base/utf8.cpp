// UTF-8 by table 3-7 of the Unicode standard, "Well-Formed UTF-8 Byte Sequences".
#include "patchbay/base/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "patchbay/base/error.h"

namespace patchbay {
namespace {

unsigned byte_at(std::string_view text, std::size_t offset) {
  return static_cast<unsigned char>(text[offset]);
}

}  // namespace

Utf8Char decode_utf8(std::string_view text, std::size_t offset) {
  if (offset >= text.size()) return {};
  const unsigned lead = byte_at(text, offset);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xC2 || lead > 0xF4) return {};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (text.size() - offset < length) return {};
  char32_t code_point = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const unsigned byte = byte_at(text, offset + i);
    if ((byte & 0xC0) != 0x80) return {};
    code_point = (code_point << 6) | (byte & 0x3F);
  }
  const bool overlong =
      (length == 3 && code_point < 0x800) || (length == 4 && code_point < 0x10000);
  const bool surrogate = code_point >= 0xD800 && code_point < 0xE000;
  if (overlong || surrogate || code_point > 0x10FFFF) return {};
  return {code_point, length};
}

std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
  std::size_t offset = 0;
  while (offset < text.size()) {
    const std::size_t length = decode_utf8(text, offset).length;
    if (length == 0) return offset;
    offset += length;
  }
  return std::nullopt;
}

void append_utf8(char32_t code_point, std::string& out) {
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point < 0xE000)) {
    throw Error(ErrorKind::kUsage, "utf8",
                fmt::format("U+{:04X} is not a character; give a Unicode scalar value",
                            static_cast<std::uint32_t>(code_point)));
  }
  const auto continuation = [&](int shift) {
    out += static_cast<char>(0x80 | ((code_point >> shift) & 0x3F));
  };
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    out += static_cast<char>(0xC0 | (code_point >> 6));
    continuation(0);
  } else if (code_point < 0x10000) {
    out += static_cast<char>(0xE0 | (code_point >> 12));
    continuation(6);
    continuation(0);
  } else {
    out += static_cast<char>(0xF0 | (code_point >> 18));
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::string result = "\"";
  std::size_t offset = 0;
  while (offset < text.size() && offset < kLongest) {
    const Utf8Char character = decode_utf8(text, offset);
    const std::size_t length = std::max(character.length, std::size_t{1});
    const std::string_view bytes = text.substr(offset, length);
    if (bytes == "\"" || bytes == "\\") {
      result += '\\';
      result += bytes;
    } else if (bytes == "\n") {
      result += "\\n";
    } else if (character.length == 0 || character.code_point < 0x20 ||
               (character.code_point >= 0x7F && character.code_point < 0xA0)) {
      for (std::size_t i = 0; i < length; ++i) {
        result += fmt::format("\\x{:02X}", byte_at(bytes, i));
      }
    } else {
      result += bytes;
    }
    offset += length;
  }
  if (offset < text.size()) result += "…";
  return result + "\"";
}

}  // namespace patchbay
