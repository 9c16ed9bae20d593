// Prompt pairs from a file: JSON lines, a JSON array, CSV or TSV.
#pragma once

#include <cstdint>
#include <filesystem>

#include "patchbay/config/hooked_transformer_config.h"
#include "patchbay/prompts/prompt_set.h"
#include "patchbay/text/tokenizer.h"

namespace patchbay {

struct PromptFileOptions {
  std::int64_t prompts = 0;         ///< how many to take, from the first on; 0 takes all
  bool prepend_bos = false;         ///< before prompts that are text
  bool parse_special = false;       ///< "<|endoftext|>" and its like in a text are one token
  bool skip_unfit = false;          ///< leave out what does not fit, instead of refusing the file
  bool first_answer_token = false;  ///< an answer of several tokens is its first one
};

/// One pair a row: {"clean": …, "corrupted": …, "answer": …, "wrong": …}, and where wanted "group",
/// "subject" and "positions"; docs/tasks.md has forms and names. Other columns are kept as they
/// are. `tokenizer` may be null when all is token ids. Throws kNoInput; kBadData naming file and
/// line, of prompts that do not fit all at once; kUsage for a negative number of prompts, when the
/// file has fewer that fit than asked for, or token ids where BOS is asked for.
PromptSet read_prompt_file(const std::filesystem::path& path, const HookedTransformerConfig& cfg,
                           const Tokenizer* tokenizer, const PromptFileOptions& options);

}  // namespace patchbay
