// What families share in reading GGUF files: llama.cpp's names of tensors and of metadata.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "patchbay/config/hooked_transformer_config.h"
#include "patchbay/io/gguf.h"

namespace patchbay::families {

/// How a family's tensors are called by Hugging Face and by llama.cpp, without ".weight" and
/// ".bias".
struct GgufNames {
  std::string_view block_prefix;  ///< before the number of a layer: "model.layers."
  std::span<const std::pair<std::string_view, std::string_view>> in_block;
  std::span<const std::pair<std::string_view, std::string_view>> outside;
};

/// "model.layers.3.self_attn.q_proj.weight" → "blk.3.attn_q.weight".
std::string gguf_name(const GgufNames& names, const std::string& name);

/// Values under an architecture's own keys, such as "llama.block_count". Errors are kBadData and
/// name file and key.
class GgufHyperparameters {
 public:
  GgufHyperparameters(const GgufMetadata& metadata, std::string_view architecture)
      : metadata_(metadata), architecture_(architecture) {}

  [[nodiscard]] std::int64_t integer(std::string_view key) const;
  [[nodiscard]] std::int64_t integer_or(std::string_view key, std::int64_t fallback) const;
  [[nodiscard]] double number(std::string_view key) const;
  [[nodiscard]] double number_or(std::string_view key, double fallback) const;
  /// Throws when the key is there with another value: `why` says what patchbay does not compute.
  void require(std::string_view key, std::int64_t value, std::string_view why) const;
  /// The number of tokens in the vocabulary.
  [[nodiscard]] std::int64_t d_vocab() const;
  /// bos_token_id and eos_token_id of the tokenizer, where the file has them.
  void read_special_tokens(HookedTransformerConfig& cfg) const;

 private:
  [[nodiscard]] const GgufValue* find(std::string_view key) const;
  [[nodiscard]] std::string full(std::string_view key) const;

  const GgufMetadata& metadata_;
  std::string architecture_;
};

}  // namespace patchbay::families
