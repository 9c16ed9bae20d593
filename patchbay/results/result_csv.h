// A result as a table for spreadsheets and data frames.
#pragma once

#include <filesystem>
#include <string>

#include "patchbay/results/effect_table.h"

namespace patchbay {

/// One line per cell and prompt, prompts fastest, quoted as RFC 4180 says and ended by CR LF. The
/// columns: every axis by name ("prompt" last), value, clean, corrupted, raw_effect. A field is
/// empty where there is no number. Labels stand as they are, also those that start like a formula.
/// Throws as EffectTable::check.
std::string to_csv(const EffectTable& table);
/// Writes it whole or not at all; throws as AtomicFile too.
void write_csv(const std::filesystem::path& path, const EffectTable& table);

/// Effects with their intervals, and the prompts with their texts: first a line per cell and kind
/// of effect over all prompts, with "prompt" empty; then a line per cell and prompt with the raw
/// effect. The columns: every axis by name ("prompt" last), effect, value, standard_error, low,
/// high, p_value, n (how many prompts count), unit ("logit_diff", "gap", "percent of clean"), and
/// for each column of texts but those of tokens and ids `prompt.NAME`, which lines over all prompts
/// leave empty; bytes of theirs that are not UTF-8 become \xNN. Otherwise as to_csv.
std::string to_effects_csv(const EffectTable& table);

}  // namespace patchbay
