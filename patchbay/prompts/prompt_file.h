// Prompt pairs from a file of JSON lines.
#pragma once

#include <cstdint>
#include <filesystem>

#include "patchbay/config/hooked_transformer_config.h"
#include "patchbay/prompts/prompt_set.h"
#include "patchbay/text/tokenizer.h"

namespace patchbay {

struct PromptFileOptions {
  std::int64_t prompts = 0;  ///< how many to take, from the first line on; 0 takes all
  bool prepend_bos = false;  ///< before prompts that are text
};

/// One pair a line: {"clean": …, "corrupted": …, "answer": …, "wrong": …}, and where wanted "group"
/// and "positions"; docs/tasks.md has the format. `tokenizer` may be null when all is token ids.
/// Throws kNoInput, kBadData naming file and line, kUsage for a negative number of prompts, when
/// the file has fewer prompts than asked for, or token ids where BOS is asked for.
PromptSet read_prompt_file(const std::filesystem::path& path, const HookedTransformerConfig& cfg,
                           const Tokenizer* tokenizer, const PromptFileOptions& options);

}  // namespace patchbay
