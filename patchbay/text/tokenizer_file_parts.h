// What GPT-2's two files, Hugging Face's single file and GGUF files have in common.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/io/json.h"
#include "patchbay/text/tokenizer.h"

namespace patchbay {

/// The token that GPT-2's family begins texts with, and separates them by.
inline constexpr std::string_view kEndOfText = "<|endoftext|>";

/// How the tokenizer's JSON files are read.
inline constexpr JsonLimits kTokenizerJsonLimits{.tag = "tokenizer"};

/// Tokens by id from an object of token → id. Throws kBadData for ids that are negative, too large
/// or given twice, and for an empty token.
std::vector<std::string> tokens_by_id(const JsonValue& vocabulary);

/// The two tokens of a merge written "left right", or nothing if it is not two tokens.
std::optional<MergeRule> split_merge(std::string_view text);

}  // namespace patchbay
