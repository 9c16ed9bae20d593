// Sentences with named words: filled from a form, and found again among the tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "patchbay/model/base_run.h"
#include "patchbay/prompts/token_span.h"
#include "patchbay/text/tokenizer.h"

namespace patchbay {

/// A text and where its named words are.
struct MarkedText {
  /// The bytes [begin, end) are the word.
  struct Mark {
    std::string name;
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  std::string text;
  std::vector<Mark> marks;  ///< the named words, in the order of the text; a name may come twice

  /// The first mark of a name, or nullptr.
  [[nodiscard]] const Mark* find(std::string_view name) const;
};

/// Names of marks and the words for them.
using MarkWords = std::vector<std::pair<std::string_view, std::string_view>>;

/// The form with a word for each "[NAME]" that `words` has; brackets around other names stay.
MarkedText fill_form(std::string_view form, const MarkWords& words);

/// The token that holds a text's byte; `tokens` are the text's, after `first` tokens that are not
/// text (a BOS). Throws kUsage for a byte beyond what the tokens spell.
std::int32_t token_at_byte(const Tokenizer& tokenizer, std::span<const TokenId> tokens,
                           std::size_t first, std::size_t byte);

/// The tokens that hold a text's bytes [begin, end), which are one at least; as token_at_byte.
TokenSpan tokens_at_bytes(const Tokenizer& tokenizer, std::span<const TokenId> tokens,
                          std::size_t first, std::size_t begin, std::size_t end);

/// The tokens of each named position in a tokenized text; none where the text has no such word. A
/// word is found by its bytes, since the same name is other tokens at the start of a sentence.
/// "NAME+1" is the token after those of NAME, "END" the last token. Throws kUsage when there are no
/// tokens, or a mark is empty or outside the text.
std::vector<TokenSpan> find_positions(const Tokenizer& tokenizer, const MarkedText& text,
                                      std::span<const TokenId> tokens, std::size_t first,
                                      std::span<const std::string> position_names);

}  // namespace patchbay
