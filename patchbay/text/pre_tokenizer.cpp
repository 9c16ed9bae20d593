// GPT-2's split pattern as a scanner: each alternative in the order of the pattern, no
// backtracking.
#include "patchbay/text/pre_tokenizer.h"

#include <algorithm>

#include "patchbay/base/utf8.h"
#include "patchbay/text/unicode_tables.h"

namespace patchbay {
namespace {

struct Character {
  CharClass char_class;
  std::size_t length;
};

Character character_at(std::string_view text, std::size_t offset) {
  const Utf8Char decoded = decode_utf8(text, offset);
  if (decoded.length == 0) return {CharClass::kOther, 1};
  return {char_class(decoded.code_point), decoded.length};
}

// The length of 's, 't, 're, 've, 'm, 'll or 'd at the beginning of `text`, else 0.
std::size_t contraction_length(std::string_view text) {
  using namespace std::string_view_literals;
  if (!text.starts_with('\'')) return 0;
  for (const auto ending : {"s"sv, "t"sv, "re"sv, "ve"sv, "m"sv, "ll"sv, "d"sv}) {
    if (text.substr(1).starts_with(ending)) return 1 + ending.size();
  }
  return 0;
}

// The end of the characters of one class from `offset` on.
std::size_t run_end(std::string_view text, std::size_t offset, CharClass wanted) {
  while (offset < text.size()) {
    const Character character = character_at(text, offset);
    if (character.char_class != wanted) break;
    offset += character.length;
  }
  return offset;
}

// \s+(?!\S)|\s+: white space up to the end of the text, else all but its last character, which may
// join the word that follows; a single one is a piece.
std::size_t white_space_length(std::string_view text) {
  std::size_t end = 0;
  std::size_t last = 0;
  while (end < text.size()) {
    const Character character = character_at(text, end);
    if (character.char_class != CharClass::kSpace) return last > 0 ? last : end;
    last = end;
    end += character.length;
  }
  return end;
}

// The length of the first match of GPT-2's pattern in a text that is not empty.
std::size_t gpt2_piece_length(std::string_view text) {
  if (const std::size_t length = contraction_length(text); length > 0) return length;
  const std::size_t word = text.front() == ' ' && text.size() > 1 ? 1 : 0;
  const CharClass word_class = character_at(text, word).char_class;
  if (word_class != CharClass::kSpace) return run_end(text, word, word_class);
  return white_space_length(text);
}

std::size_t smollm_segment_end(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  while (end < text.size()) {
    const Character character = character_at(text, end);
    if (character.char_class == CharClass::kNumber) {
      return end == begin ? end + character.length : end;
    }
    end += character.length;
  }
  return end;
}

}  // namespace

std::string_view PieceScanner::next() {
  if (position_ == text_.size()) return {};
  if (position_ == segment_end_) {
    segment_end_ =
        kind_ == PreTokenizer::kSmollm ? smollm_segment_end(text_, position_) : text_.size();
  }
  const std::string_view segment = text_.substr(position_, segment_end_ - position_);
  const std::string_view piece = segment.substr(0, gpt2_piece_length(segment));
  position_ += piece.size();
  return piece;
}

std::vector<std::string_view> pre_tokenize(std::string_view text, PreTokenizer kind) {
  std::vector<std::string_view> pieces;
  PieceScanner scanner(text, kind);
  for (auto piece = scanner.next(); !piece.empty(); piece = scanner.next()) {
    pieces.push_back(piece);
  }
  return pieces;
}

}  // namespace patchbay
