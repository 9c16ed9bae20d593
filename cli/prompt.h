// One prompt, as text or as token ids: its options, and how it is shown.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/given.h"
#include "cli/verb.h"
#include "patchbay/base/error.h"
#include "patchbay/config/hooked_transformer_config.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/model/base_run.h"
#include "patchbay/text/tokenizer.h"

namespace patchbay::cli {

Options prompt_options();

/// A prompt as it was given: as text ("-" for standard input) or as token ids.
struct PromptWords {
  std::optional<std::string> text;
  std::optional<std::vector<TokenId>> tokens;
  std::optional<bool> bos;  ///< said with --bos or --no-bos; else BOS if the tokenizer has one
  bool special = false;     ///< "<|endoftext|>" in the text is one token
};

/// Throws kUsage.
PromptWords prompt_of(const Given& given);

/// A prompt as the run gets it.
struct TokenizedPrompt {
  Prompt tokens;
  std::optional<bool> prepend_bos;  ///< nothing when token ids were given

  /// "7 tokens with BOS"
  [[nodiscard]] std::string summary() const;
};

/// That something cannot be done since the model has no tokenizer, and why: an input that is not
/// there, or one that cannot be read.
Error no_tokenizer(const HookedTransformerConfig& cfg, std::string_view where,
                   std::string_view what);

/// `tokenizer` may be null when the prompt is token ids; of the model's config the error says why.
TokenizedPrompt tokenize(const PromptWords& prompt, const Tokenizer* tokenizer,
                         const HookedTransformerConfig& cfg);
/// "7 tokens"
std::string count_text(std::size_t tokens);
/// The bytes of a token, if it is known.
std::optional<std::string> bytes_of(const Tokenizer* tokenizer, TokenId id);
/// In quotes; "?" where it is not known.
std::string token_text(const Tokenizer* tokenizer, TokenId id);

/// Members that every result about one prompt begins with.
void write_prompt(JsonWriter& json, const TokenizedPrompt& prompt, const Tokenizer* tokenizer);
/// Members "id" and "token", null where it is not known; and "bytes", when the token is not UTF-8
/// on its own.
void write_token(JsonWriter& json, TokenId id, const Tokenizer* tokenizer);

}  // namespace patchbay::cli
