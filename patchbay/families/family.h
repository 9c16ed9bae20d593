// Checkpoint families: one file turns one kind of checkpoint into a config and weights.
//
// patchbay/families/NAME.cpp defines `const Family& NAME()`; adding the file is all it takes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
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
  std::string_view name;  ///< its "model_type" in config.json, "general.architecture" in GGUF
  bool tied_by_default;   ///< whether the unembedding is W_E where config.json does not say
  /// The config.json of a checkpoint, as sizes and traits.
  HookedTransformerConfig (*config)(const JsonValue& config_json);
  /// Whether a stored tensor is no weight: a mask, a table that follows from the config.
  bool (*is_ignored)(const std::string& stored_name);
  /// The biases that a checkpoint of the family may lack, and that this one does. Null: none may.
  std::vector<std::string> (*lacking_biases)(const HookedTransformerConfig& cfg,
                                             const TensorStore& store);
  /// The metadata of a GGUF file, as sizes and traits.
  HookedTransformerConfig (*gguf_config)(const GgufMetadata& metadata);
  /// The tensors of a checkpoint under TransformerLens's names and shapes; `tied`: W_U is W_Eᵀ.
  Weights (*weights)(const RunContext& ctx, const HookedTransformerConfig& cfg,
                     const TensorStore& store, bool tied);
};

/// Every family, by name.
const std::vector<const Family*>& all();

}  // namespace patchbay::families

namespace patchbay {

/// The config of a checkpoint alone, without opening its weights. `path` as for load_checkpoint.
HookedTransformerConfig load_config(const std::filesystem::path& path);

/// The tokenizer beside a checkpoint's config, none when the folder has no tokenizer files; the
/// tokenizer of a GGUF file, none when its metadata has none.
std::optional<Tokenizer> load_tokenizer(const std::filesystem::path& path);
/// The same for the model of a config. None too where the tokenizer is of a kind that is not known,
/// which the config then says (why_no_tokenizer); damaged files are refused.
std::optional<Tokenizer> load_tokenizer(const std::filesystem::path& path,
                                        HookedTransformerConfig& cfg);

/// What is stored of a checkpoint, from the headers of its files alone.
struct CheckpointSummary {
  struct File {
    std::string path;
    std::int64_t bytes;
  };
  std::vector<File> files;
  std::map<std::string, std::int64_t> tensors_by_type;  ///< "F32", "Q4_1" → how many
  std::int64_t n_params = 0;  ///< stored numbers, without masks; a tied unembedding counts once
  std::string tokenizer;      ///< where the tokenizer comes from; empty when there is none
  /// Kinds of biases that the checkpoint does not have and that are 0 in the model: "attn.c_attn".
  std::vector<std::string> biases_taken_as_zero;
};
CheckpointSummary summarize_checkpoint(const std::filesystem::path& path);

/// A checkpoint, read but not yet packed: for processing weights before a model is made of them.
struct LoadedCheckpoint {
  HookedTransformerConfig cfg;
  Weights weights;
  std::optional<Tokenizer> tokenizer;  ///< none when there is none beside or in the file
};

/// Reads a folder in Hugging Face layout (config.json, model.safetensors or its index, tokenizer
/// files), one .safetensors file with those files beside it, or one .gguf file. A GGUF file's
/// weights are what its quantised blocks stand for, as 32-bit floats.
LoadedCheckpoint load_checkpoint(const RunContext& ctx, const std::filesystem::path& path);

/// The model of a checkpoint that was read from `path`, which errors about its weights name.
HookedTransformer make_model(const RunContext& ctx, LoadedCheckpoint loaded,
                             const std::filesystem::path& path);

/// load_checkpoint, and the model made of it, weights as they are in the file.
HookedTransformer load_model(const RunContext& ctx, const std::filesystem::path& path);

}  // namespace patchbay
