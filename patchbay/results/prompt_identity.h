// Which prompts of a table are the same, by what its columns say of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "patchbay/results/effect_table.h"

namespace patchbay {

/// [prompt] For each prompt the number of its cluster, counted from 0 in the order of their first
/// prompts. Prompts are of one cluster when their clean tokens, their corrupted tokens, their
/// answers and their wrong answers are the same. A column that the table lacks is no difference;
/// without a column that tells the clean prompt all prompts are distinct. Of prompts whose tokens
/// are abridged in the columns the texts are compared, and without texts all their values.
std::vector<std::size_t> prompt_clusters(const EffectTable& table);

/// How many clusters there are.
std::int64_t n_distinct_prompts(const EffectTable& table);

/// What two results compare of their prompts.
enum class PromptParts {
  kWhole,  ///< both sides and all answers
  kClean   ///< the clean side and the right answers
};

/// [prompt] A text that two results have in common exactly where a prompt is the same. By tokens
/// and ids where `by_tokens`, else by texts, so that models and BOS may differ. Empty where the
/// columns do not tell, as for abridged tokens without a text.
std::vector<std::string> prompt_identities(const EffectTable& table, PromptParts parts,
                                           bool by_tokens);

}  // namespace patchbay
