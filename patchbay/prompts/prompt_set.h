// Prompts that an experiment runs: pairs of a clean and a corrupted prompt with answers and names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/model/base_run.h"
#include "patchbay/text/byte_pair_encoding.h"

namespace patchbay {

/// One clean and one corrupted prompt of equal length, and what is asked at their last position.
struct PromptPair {
  std::string clean_text;        ///< empty where the prompt was given as token ids
  std::string corrupted_text;    ///< likewise
  Prompt clean;                  ///< token ids, with BOS where the set prepends it
  Prompt corrupted;              ///< as many
  std::vector<TokenId> answers;  ///< ids that are right at END; at least one
  std::vector<TokenId> wrongs;   ///< ids that are wrong there, none of the answers; may be empty
  /// Prompts of one group share a template, so that the same position means the same: "BABA 3".
  std::string group;
  std::vector<std::int32_t> positions;  ///< [position name] index in clean; −1: has none
  std::vector<std::int32_t> corrupted_positions;  ///< the same in corrupted
};

/// The prompts of one task. Pairs may differ in length from one another; they are never padded.
struct PromptSet {
  std::string task;  ///< "ioi", "file:prompts.jsonl"
  bool prepend_bos =
      false;  ///< whether prompts made from text begin with the token of the beginning
  /// "IO", "S1", "S1+1", "S2", "END". Where a word is several tokens, its last one. END is always
  /// there, last, and is the last position of every prompt.
  std::vector<std::string> position_names;
  std::vector<PromptPair> pairs;
  std::vector<std::string> warnings;  ///< one sentence each, naming the prompt and the reason

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(pairs.size()); }
  /// The index in position_names. Throws kUsage with the nearest name.
  [[nodiscard]] std::size_t index_of_position(std::string_view name) const;
  /// The clean prompts, in order; the corrupted ones.
  [[nodiscard]] std::vector<Prompt> clean() const;
  [[nodiscard]] std::vector<Prompt> corrupted() const;
  /// The length of the longest prompt; 0 without prompts.
  [[nodiscard]] std::int64_t longest() const;
  /// Whether all prompts are equally long.
  [[nodiscard]] bool is_rectangular() const;
};

}  // namespace patchbay
