// The sizes and traits of a model, under TransformerLens's names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "patchbay/tensor/activation.h"
#include "patchbay/tensor/norm_kind.h"

namespace patchbay {

/// How positions enter: learned vectors added to the stream, or rotations of queries and keys (Su
/// et al. 2021).
enum class PositionalEmbeddingType { kStandard, kRotary };

/// What a checkpoint's configuration says, whatever family it comes from. The forward pass reads
/// these traits and nothing else.
struct HookedTransformerConfig {
  std::string model_name{};       ///< for people: the checkpoint's folder or hub name
  std::string original_family{};  ///< "gpt2": who wrote the checkpoint; nothing computes with it
  std::int64_t n_layers = 0;
  std::int64_t n_heads = 0;
  /// Heads that keys and values have, when several query heads share one (grouped-query attention,
  /// Ainslie et al. 2023): head h reads key/value head h / (n_heads / n_key_value_heads). 0:
  /// n_heads.
  std::int64_t n_key_value_heads = 0;
  std::int64_t d_model = 0;
  std::int64_t d_head = 0;
  std::int64_t d_mlp = 0;
  std::int64_t n_ctx = 0;  ///< the most positions one prompt may have
  std::int64_t d_vocab = 0;
  ActivationFunction act_fn = ActivationFunction::kGeluNew;
  /// The MLP multiplies act(x·W_gate) with x·W_in (Shazeer 2020) instead of being act(x·W_in).
  bool gated_mlp = false;
  NormKind normalization_type = NormKind::kLayer;
  float eps = 1e-5F;  ///< added to the variance, or mean square, in every normalisation
  PositionalEmbeddingType positional_embedding_type = PositionalEmbeddingType::kStandard;
  double rotary_base = 10000.0;  ///< of rotary embeddings: dimension pair i turns base^(−2i/d_head)
  float attn_scale = 1.0F;       ///< attention scores are divided by it: √d_head
  std::optional<std::int32_t> bos_token_id{};
  std::optional<std::int32_t> eos_token_id{};

  [[nodiscard]] std::int64_t key_value_heads() const {
    return n_key_value_heads == 0 ? n_heads : n_key_value_heads;
  }
  /// Whether several query heads share a key/value head.
  [[nodiscard]] bool grouped_queries() const { return key_value_heads() != n_heads; }
  [[nodiscard]] std::int64_t key_value_head_of(std::int64_t head) const {
    return head / (n_heads / key_value_heads());
  }
  [[nodiscard]] bool is_rotary() const {
    return positional_embedding_type == PositionalEmbeddingType::kRotary;
  }
  [[nodiscard]] bool is_rms() const { return normalization_type == NormKind::kRms; }

  /// Throws Error(kBadConfig) naming the first contradiction.
  void check() const;
};

}  // namespace patchbay
