// Checkpoint families: one file turns one kind of checkpoint into a config and weights.
//
// patchbay/families/NAME.cpp defines `const Family& NAME()`; adding the file is all it takes.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/config/hooked_transformer_config.h"
#include "patchbay/io/json.h"
#include "patchbay/io/tensor_store.h"
#include "patchbay/model/hooked_transformer.h"
#include "patchbay/model/weights.h"

namespace patchbay::families {

/// One family. Functions throw Error naming the file and what was expected.
struct Family {
  std::string_view name;  ///< its "model_type" in config.json
  /// The config.json of a checkpoint, as sizes and traits.
  HookedTransformerConfig (*config)(const JsonValue& config_json);
  /// The tensors of a checkpoint under TransformerLens's names and shapes.
  Weights (*weights)(const RunContext& ctx, const HookedTransformerConfig& cfg,
                     const JsonValue& config_json, const TensorStore& store);
};

/// Every family, by name.
const std::vector<const Family*>& all();

}  // namespace patchbay::families

namespace patchbay {

/// The config of a checkpoint alone, without opening its weights. `path` as for load_checkpoint.
HookedTransformerConfig load_config(const std::filesystem::path& path);

/// The tokenizer beside a checkpoint's config, none when the folder has no tokenizer files.
std::optional<Tokenizer> load_tokenizer(const std::filesystem::path& path);

/// A checkpoint, read but not yet packed: for processing weights before a model is made of them.
struct LoadedCheckpoint {
  HookedTransformerConfig cfg;
  Weights weights;
  std::optional<Tokenizer> tokenizer;  ///< none when the folder has no tokenizer files
};

/// Reads a folder in Hugging Face layout (config.json, model.safetensors or its index, tokenizer
/// files), or one .safetensors file with those files beside it.
LoadedCheckpoint load_checkpoint(const RunContext& ctx, const std::filesystem::path& path);

/// load_checkpoint, and the model made of it, weights as they are in the file.
HookedTransformer load_model(const RunContext& ctx, const std::filesystem::path& path);

}  // namespace patchbay
