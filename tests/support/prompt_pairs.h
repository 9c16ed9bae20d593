// Prompt sets made of token ids, for tests on tiny models.
#pragma once

#include <vector>

#include "patchbay/prompts/prompt_set.h"
#include "tests/support/tiny_models.h"

namespace patchbay {

/// The reference's pairs with its answers, five of twelve tokens or two of nine; named positions
/// "FIRST", "MIDDLE" (elsewhere in the corrupted prompt, and absent in the second pair) and "END".
inline PromptSet reference_pairs(const TinyModel& tiny) {
  PromptSet set;
  set.task = "reference";
  set.position_names = {"FIRST", "MIDDLE", "END"};
  const auto answers = tiny.reference.read_integers("tokens.answer");
  const auto wrongs = tiny.reference.read_integers("tokens.wrong");
  for (std::size_t i = 0; i < answers.size(); ++i) {
    PromptPair pair;
    pair.clean = tiny.clean()[i];
    pair.corrupted = tiny.corrupted()[i];
    pair.answers = {static_cast<TokenId>(answers[i])};
    pair.wrongs = {static_cast<TokenId>(wrongs[i])};
    pair.group = i % 2 == 0 ? "even" : "odd";
    const auto last = static_cast<std::int32_t>(pair.clean.size()) - 1;
    pair.positions = {1, i == 1 ? -1 : 5, last};
    pair.corrupted_positions = {1, i == 1 ? -1 : 6, last};
    set.pairs.push_back(pair);
  }
  return set;
}

/// The same, cut to different lengths from the front: END keeps its token.
inline PromptSet ragged_pairs(const TinyModel& tiny) {
  PromptSet set = reference_pairs(tiny);
  const std::vector<std::int32_t> cut = {0, 3, 5, 3, 0};
  for (std::size_t i = 0; i < set.pairs.size(); ++i) {
    PromptPair& pair = set.pairs[i];
    pair.clean.erase(pair.clean.begin(), pair.clean.begin() + cut[i]);
    pair.corrupted.erase(pair.corrupted.begin(), pair.corrupted.begin() + cut[i]);
    const auto last = static_cast<std::int32_t>(pair.clean.size()) - 1;
    pair.positions = {0, i == 1 ? -1 : 2, last};
    pair.corrupted_positions = {0, i == 1 ? -1 : 3, last};
  }
  return set;
}

}  // namespace patchbay
