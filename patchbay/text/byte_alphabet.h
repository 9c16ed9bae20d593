// GPT-2's byte alphabet: one printable character for each byte, in which vocabularies are written.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace patchbay {

/// The bytes as GPT-2's files write them: printable bytes of Latin-1 stand for themselves, the
/// other 68 are U+0100, U+0101, … in increasing order, so that a space is written "Ġ" (the
/// bytes_to_unicode of github.com/openai/gpt-2, src/encoder.py).
std::string to_byte_alphabet(std::string_view bytes);

/// The bytes that a text in the byte alphabet stands for, or nothing when a character does not
/// belong to the alphabet.
std::optional<std::string> from_byte_alphabet(std::string_view text);

}  // namespace patchbay
