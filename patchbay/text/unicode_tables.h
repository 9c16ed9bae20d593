// What the tokenizer knows about characters: is it a letter, a number, white space, or none of
// these.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace patchbay {

/// The classes that GPT-2's split pattern tells apart.
enum class CharClass : std::uint8_t {
  kOther,   ///< everything else: punctuation, symbols, marks, controls, unassigned code points
  kLetter,  ///< \p{L}, the general categories L*
  kNumber,  ///< \p{N}, the general categories Nd, Nl and No
  kSpace,   ///< \s, the property White_Space
};

/// Neighbouring code points of one class, both ends included.
struct CodePointRange {
  char32_t first;
  char32_t last;
  CharClass char_class;
};

/// The version of the Unicode Character Database behind the tables. Code points that a later
/// version assigned are kOther here. Other tokenizers are at other versions: tokenizers 0.23.3 and
/// tiktoken 0.14.0 take letters and numbers from Unicode 16 (5,004 more code points), and the
/// digits of tokenizers come from Unicode 17 (93 more). On all older code points the three agree.
extern const std::string_view kUnicodeVersion;

/// All letters, numbers and white space in increasing order; what lies between is kOther.
std::span<const CodePointRange> code_point_ranges();

/// The class of a code point; values beyond U+10FFFF are kOther.
CharClass char_class(char32_t code_point);

}  // namespace patchbay
