// The sizes and traits of a model, under TransformerLens's names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "patchbay/tensor/activation.h"

namespace patchbay {

/// What a checkpoint's configuration says, whatever family it comes from. The forward pass reads
/// these traits and nothing else.
struct HookedTransformerConfig {
  std::string model_name;       ///< for people: the checkpoint's folder or hub name
  std::string original_family;  ///< "gpt2": who wrote the checkpoint; nothing computes with it
  std::int64_t n_layers = 0;
  std::int64_t n_heads = 0;
  std::int64_t d_model = 0;
  std::int64_t d_head = 0;
  std::int64_t d_mlp = 0;
  std::int64_t n_ctx = 0;  ///< the most positions one prompt may have
  std::int64_t d_vocab = 0;
  ActivationFunction act_fn = ActivationFunction::kGeluNew;
  float eps = 1e-5F;        ///< added to the variance in every layer norm
  float attn_scale = 1.0F;  ///< attention scores are divided by it: √d_head
  std::optional<std::int32_t> bos_token_id;
  std::optional<std::int32_t> eos_token_id;

  /// Throws Error(kBadConfig) naming the first contradiction.
  void check() const;
};

}  // namespace patchbay
