// How a text is cut into pieces before byte-pair encoding: merges never cross a cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace patchbay {

/// The ways to cut that are known.
enum class PreTokenizer : std::uint8_t {
  /// GPT-2's pattern: 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
  kGpt2,
  /// Every character of \p{N} is a piece of its own, and GPT-2's pattern cuts what lies between, on
  /// its own: so the spaces before a number stay together. Hugging Face's Sequence of
  /// Digits(individual_digits) and ByteLevel; the "smollm" of GGUF files.
  kSmollm,
};

/// Walks over the pieces of a text. They follow one another without gaps, in linear time. The text
/// has to outlive the scanner; a byte that is not UTF-8 counts as a character of no class.
class PieceScanner {
 public:
  PieceScanner(std::string_view text, PreTokenizer kind) : text_(text), kind_(kind) {}

  /// The next piece, or an empty one at the end of the text.
  std::string_view next();

 private:
  std::string_view text_;
  PreTokenizer kind_;
  std::size_t position_ = 0;
  std::size_t segment_end_ = 0;  // the pattern does not look beyond
};

/// All pieces of a text, which has to outlive them.
std::vector<std::string_view> pre_tokenize(std::string_view text, PreTokenizer kind);

}  // namespace patchbay
