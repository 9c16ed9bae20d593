// The two tables of GPT-2's byte alphabet, built once.
#include "patchbay/text/byte_alphabet.h"

#include <array>
#include <cstddef>

#include "patchbay/base/utf8.h"

namespace patchbay {
namespace {

constexpr int kBytes = 256;
constexpr int kRemapped = 68;

constexpr bool stands_for_itself(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xFF && byte != 0xAD);
}

struct Alphabet {
  std::array<char32_t, kBytes> symbols{};                    // by byte
  std::array<int, std::size_t{kBytes} + kRemapped> bytes{};  // by symbol; -1 where there is none

  constexpr Alphabet() {
    bytes.fill(-1);
    char32_t next = kBytes;
    for (int byte = 0; byte < kBytes; ++byte) {
      const char32_t symbol = stands_for_itself(byte) ? static_cast<char32_t>(byte) : next++;
      symbols[static_cast<std::size_t>(byte)] = symbol;
      bytes[symbol] = byte;
    }
  }
};

constexpr Alphabet kAlphabet;

}  // namespace

std::string to_byte_alphabet(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    append_utf8(kAlphabet.symbols[static_cast<unsigned char>(byte)], text);
  }
  return text;
}

std::optional<std::string> from_byte_alphabet(std::string_view text) {
  std::string bytes;
  std::size_t offset = 0;
  while (offset < text.size()) {
    const Utf8Char symbol = decode_utf8(text, offset);
    const bool known = symbol.length > 0 && symbol.code_point < kAlphabet.bytes.size() &&
                       kAlphabet.bytes[symbol.code_point] >= 0;
    if (!known) return std::nullopt;
    bytes += static_cast<char>(kAlphabet.bytes[symbol.code_point]);
    offset += symbol.length;
  }
  return bytes;
}

}  // namespace patchbay
