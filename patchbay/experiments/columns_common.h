// What people read about each prompt of a table, and the metric of plain runs.
#pragma once

#include <string>
#include <vector>

#include "patchbay/experiments/experiment.h"
#include "patchbay/metrics/metric.h"
#include "patchbay/prompts/prompt_set.h"

namespace patchbay::experiments {

/// A token as text, its id where the model has no tokenizer.
std::string token_text(const HookedTransformer& model, TokenId token);
/// As join_tokens; of many, the first and the last.
std::string token_list(const HookedTransformer& model, std::span<const TokenId> tokens);
/// "clean", "corrupted", "answer" and "wrong" of every prompt, and the same as tokens and ids;
/// without columns of corrupted prompts where there are none.
std::vector<TextColumn> prompt_columns(const HookedTransformer& model, const PromptSet& prompts);

/// "clean", and "corrupted" where every prompt has that side.
std::vector<std::string> side_names(const PromptSet& prompts);

/// Shows raw effects where the table lacks the corrupted prompts that its own are computed from,
/// and says so in a note.
void show_raw_without_corrupted(EffectTable& table);

/// Adds a note of each of these names that is several tokens: what is done to it is done to all.
void note_spans(EffectTable& table, const PromptSet& prompts,
                const std::vector<NamedPosition>& names);

/// Adds a note where the table's source is mean_by_template and prompts have a template, and a
/// length, of their own: the mean that is put in is then of one prompt.
void note_lone_templates(EffectTable& table, const PromptSet& prompts);

/// The logits of all tokens at the last position of every prompt.
Logits last_logits(const RunContext& ctx, const HookedTransformer& model,
                   const std::vector<Prompt>& prompts);

}  // namespace patchbay::experiments
