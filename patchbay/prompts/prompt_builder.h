// Builds a prompt set pair by pair, and refuses pairs that would compare what cannot be compared.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "patchbay/base/error.h"
#include "patchbay/config/hooked_transformer_config.h"
#include "patchbay/prompts/marked_text.h"
#include "patchbay/prompts/prompt_set.h"
#include "patchbay/text/tokenizer.h"

namespace patchbay {

/// One prompt of a pair: tokens, and where its named positions are.
struct PromptSide {
  std::string text;  ///< empty where the prompt was given as token ids
  Prompt tokens;
  std::vector<TokenSpan> positions;  ///< [position name] of the set
};

/// What is right and what is wrong at END.
struct Answers {
  std::vector<TokenId> right;
  std::vector<TokenId> wrong;
};

/// How texts become tokens.
struct PromptTexts {
  bool parse_special = false;       ///< "<|endoftext|>" and its like in a prompt are one token
  bool first_answer_token = false;  ///< an answer of several tokens is its first one
};

class PromptBuilder {
 public:
  /// A set whose prompts go into a model of this config. `tokenizer` may be null when no prompt is
  /// a text. `set` has everything but the pairs; "END" is appended to its position names. Throws
  /// kUsage for a set that has pairs, for a position without a name, and for a name given twice.
  PromptBuilder(const HookedTransformerConfig& cfg, const Tokenizer* tokenizer, PromptSet set,
                const PromptTexts& texts = {});

  /// Throws kUsage when the model has none.
  [[nodiscard]] const Tokenizer& tokenizer() const;
  [[nodiscard]] const std::vector<std::string>& position_names() const {
    return set_.position_names;
  }
  [[nodiscard]] std::int64_t size() const { return set_.size(); }
  /// Where errors about the next pair are: "prompt 3", counted from 0.
  [[nodiscard]] std::string next() const;
  /// How special tokens are read in the texts that follow.
  void parse_special(bool parse) { texts_.parse_special = parse; }
  void warn(std::string warning) { set_.warnings.push_back(std::move(warning)); }
  /// Says how many prompts are left out, and why.
  void leave_out(std::int64_t count, std::string why);
  void add_columns(std::vector<PromptColumn> columns) { set_.columns = std::move(columns); }
  /// A kBadData error of this task: "[ioi] prompt 3: WHAT".
  [[nodiscard]] Error error(std::string_view where, std::string_view what) const;

  /// The text's tokens, with BOS where the set prepends it, and its positions. Throws kBadData for
  /// an empty text and one that the tokenizer refuses. Warns once of special tokens that are read
  /// as plain characters, and of two BOS in a row.
  [[nodiscard]] PromptSide side(std::string_view where, const MarkedText& text);
  /// The one token that an answer is, or the first of several where that is wanted. Throws
  /// kBadData, listing its tokens, when it is several. Warns of one that with a space before it is
  /// one too.
  [[nodiscard]] TokenId answer(std::string_view where, std::string_view text);

  /// Adds a pair; a corrupted side without text and tokens is none. Throws kBadData beginning with
  /// `where`, for an empty prompt, sides of different lengths, more positions than the model has,
  /// ids beyond its vocabulary, positions beyond the prompt, no answer, and an id that is named
  /// twice among answers and wrongs; kUsage for a side without one position for each name, END at
  /// the last token. Warns of a text that ends in a space, of sides that are the same, and once of
  /// a name that is other numbers of tokens in both.
  void add(std::string_view where, PromptSide clean, PromptSide corrupted, Answers answers,
           std::string group, std::string origin = {});

  /// The set. Throws kBadData when it has no pairs.
  PromptSet finish() &&;

 private:
  void check_side(std::string_view where, std::string_view name, const PromptSide& side);
  void check_positions(std::string_view where, std::string_view name, const PromptSide& side) const;
  void warn_of_uneven(std::string_view where, const PromptSide& clean, const PromptSide& corrupted);
  void check_answers(std::string_view where, const Answers& answers) const;
  [[nodiscard]] std::string spelled(const PromptSide& side) const;
  // A warning that is said once of a set.
  void warn_once(bool& said, std::string warning);

  HookedTransformerConfig cfg_;
  const Tokenizer* tokenizer_;
  PromptSet set_;
  PromptTexts texts_;
  bool said_special_ = false;
  bool said_two_bos_ = false;
  bool said_space_ = false;
  bool said_uneven_ = false;
};

}  // namespace patchbay
