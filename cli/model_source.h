// What verbs take from --model and from the prompt.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "patchbay/base/run_context.h"
#include "patchbay/families/family.h"
#include "patchbay/hub/find_model.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/model/hooked_transformer.h"

namespace patchbay::cli {

/// Where the model is that --model names, by this process's environment. Throws as hub::find_model.
hub::FoundModel locate_model(const std::string& model);

/// The config alone of such a model, under the name that its place gives it.
HookedTransformerConfig config_of(const std::string& model);

/// The model, its weights processed as asked.
HookedTransformer open_model(const RunContext& ctx, const std::string& model,
                             const WeightProcessing& process);

/// A prompt as the run gets it.
struct TokenizedPrompt {
  Prompt tokens;
  std::optional<bool> prepend_bos;  ///< nothing when token ids were given

  /// "7 tokens with BOS"
  [[nodiscard]] std::string summary() const;
};

/// `tokenizer` may be null when the prompt is token ids.
TokenizedPrompt tokenize(const PromptOptions& prompt, const Tokenizer* tokenizer,
                         const std::string& model);
/// The bytes of a token, if it is known.
std::optional<std::string> bytes_of(const Tokenizer* tokenizer, TokenId id);
/// In quotes; "?" where it is not known.
std::string token_text(const Tokenizer* tokenizer, TokenId id);

/// Members that every result about one prompt begins with.
void write_prompt(JsonWriter& json, const TokenizedPrompt& prompt, const Tokenizer* tokenizer);

}  // namespace patchbay::cli
