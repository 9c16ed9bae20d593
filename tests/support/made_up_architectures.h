// Models of architectures that no family reads yet, straight from their files: traits of the config
// that gpt2 and llama do not have.
#pragma once

#include <filesystem>

#include "patchbay/model/hooked_transformer.h"

namespace patchbay {

/// GPT-NeoX (attention and MLP in parallel, a quarter of each head turns), GPT-J (the same with
/// adjacent dimensions as pairs), Gemma 2 (norms before and after, capped scores and logits,
/// windows) or Qwen 3 (norms of queries and keys), as Hugging Face stores them; or a model of
/// attention alone whose queries and keys alone read positions, as TransformerLens stores it.
/// Without a tokenizer.
HookedTransformer load_made_up(const RunContext& ctx, const std::filesystem::path& folder);

}  // namespace patchbay
