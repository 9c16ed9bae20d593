// Prompts that an experiment runs: pairs of a clean and a corrupted prompt with answers and names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/model/base_run.h"
#include "patchbay/prompts/token_span.h"
#include "patchbay/text/byte_pair_encoding.h"

namespace patchbay {

/// One clean and one corrupted prompt of equal length, and what is asked at their last position. A
/// file may leave the corrupted one out, for experiments that do not read it.
struct PromptPair {
  std::string clean_text;        ///< empty where the clean prompt was given as token ids
  std::string corrupted_text;    ///< empty where the corrupted prompt was given as token ids
  Prompt clean;                  ///< token ids, with BOS where the set prepends it
  Prompt corrupted;              ///< as many, with the same BOS; empty where there is none
  std::vector<TokenId> answers;  ///< ids that are right at END; at least one
  std::vector<TokenId> wrongs;   ///< ids that are wrong there, none of the answers; may be empty
  std::string origin{};          ///< where it stands in its file: "line 3"; empty for no file
  /// Prompts of one group share a template, so that the same position means the same: "BABA 3".
  std::string group;
  std::vector<TokenSpan> positions;            ///< [position name] its tokens in `clean`
  std::vector<TokenSpan> corrupted_positions;  ///< [position name] its tokens in `corrupted`
  [[nodiscard]] bool has_corrupted() const { return !corrupted.empty(); }
};

/// Something else that a file says of its prompts.
struct PromptColumn {
  std::string name;
  std::vector<std::string> texts;  ///< [pair]
};

/// The prompts of one task. Pairs may differ in length from one another; they are never padded.
struct PromptSet {
  std::string task;  ///< "ioi", "file:prompts.jsonl"
  bool prepend_bos =
      false;  ///< whether prompts made from text begin with the token of the beginning
  /// "IO", "S1", "S1+1", "S2", "END". END is the last of the names, and names the last position of
  /// every prompt.
  std::vector<std::string> position_names;
  std::vector<PromptPair> pairs;
  std::vector<PromptColumn> columns{};  ///< those of a file that mean nothing to patchbay
  std::int64_t left_out = 0;            ///< prompts that do not fit and were not taken
  std::vector<std::string> warnings;    ///< one sentence each, naming the prompt and the reason

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(pairs.size()); }
  /// How many pairs differ in tokens or answers.
  [[nodiscard]] std::int64_t n_distinct() const;
  /// What errors call a pair: "prompt 3", with its place in the file where it is from one.
  [[nodiscard]] std::string name_of(std::int64_t pair) const;
  /// The index in position_names. Throws kUsage with the nearest name.
  [[nodiscard]] std::size_t index_of_position(std::string_view name) const;
  /// "S2", "S2:first" or "S2:last". Throws as index_of_position, and kUsage for another part.
  [[nodiscard]] NamedPosition named_position(std::string_view text) const;
  /// The same the other way.
  [[nodiscard]] std::string text_of(const NamedPosition& position) const;
  /// "5 tokens", "2-5 tokens": how many those are in prompts that have them; "" for one in each.
  [[nodiscard]] std::string tokens_text(const NamedPosition& position) const;
  /// The clean prompts, in order.
  [[nodiscard]] std::vector<Prompt> clean() const;
  /// The corrupted prompts, in order.
  [[nodiscard]] std::vector<Prompt> corrupted() const;
  /// The length of the longest prompt; 0 without prompts.
  [[nodiscard]] std::int64_t longest() const;
  /// Whether every pair has a corrupted prompt.
  [[nodiscard]] bool has_corrupted() const;
  /// Throws kBadData that names the first pair without a corrupted prompt, and `reader`, what reads
  /// it: "source other".
  void require_corrupted(std::string_view reader) const;
  /// Whether all prompts are equally long.
  [[nodiscard]] bool is_rectangular() const;

  /// The first rule of these that the set breaks, or "": there are pairs; a pair's clean prompt is
  /// not empty, and its corrupted one, if there is one, as long; a pair has an answer, and tokens
  /// in both prompts for every name, none or inside the prompt; the last name is END, the last
  /// position. PromptBuilder keeps them all.
  [[nodiscard]] std::string broken_rule() const;
  /// Throws kUsage with the broken rule, if there is one.
  void check() const;
};

}  // namespace patchbay
