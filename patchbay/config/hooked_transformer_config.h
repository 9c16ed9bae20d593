// The sizes and traits of a model, under TransformerLens's names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/tensor/activation.h"
#include "patchbay/tensor/norm_kind.h"

namespace patchbay {

/// How positions enter: learned vectors added to the stream, rotations of queries and keys (Su et
/// al. 2021), or learned vectors added to what queries and keys read alone (Press et al. 2021).
enum class PositionalEmbeddingType { kStandard, kRotary, kShortformer };

/// "standard", "rotary", "shortformer": TransformerLens's names.
std::string_view name_of(PositionalEmbeddingType type);

/// How far back a layer's attention looks: to the beginning, or over a window (Beltagy et al.
/// 2020).
enum class AttentionType : std::int8_t { kGlobal, kLocal };

/// Keys from position `first` up to, not including, `end`.
struct KeyRange {
  std::int64_t first = 0;
  std::int64_t end = 0;
  [[nodiscard]] bool contains(std::int64_t key) const { return key >= first && key < end; }
};

/// What a checkpoint's configuration says, whatever family it comes from. The forward pass reads
/// these traits and nothing else.
struct HookedTransformerConfig {
  std::string model_name{};        ///< for people: the checkpoint's folder or hub name
  std::string why_no_tokenizer{};  ///< of a model whose tokenizer is of a kind that is not known
  std::string original_family{};   ///< "gpt2": who wrote the checkpoint; nothing computes with it
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
  /// Attention and MLP have a norm behind them too (ln1_post, ln2_post), before what they give is
  /// added to the stream.
  bool use_normalization_before_and_after = false;
  bool use_qk_norm = false;  ///< every head's queries and keys are normalised before they turn
  /// The MLP reads the stream before its block's attention, not after it.
  bool parallel_attn_mlp = false;
  bool attn_only = false;  ///< blocks have no MLP; d_mlp is 0
  PositionalEmbeddingType positional_embedding_type = PositionalEmbeddingType::kStandard;
  double rotary_base = 10000.0;  ///< dimension pair i turns by base^(−2i/rotary_dim)
  std::int64_t rotary_dim = 0;   ///< dimensions of a head that turn, from the first on; 0: all
  /// Which two dimensions are a pair: 2i and 2i + 1 (GPT-J), or i and i + rotary_dim/2 (LLaMA).
  bool rotary_adjacent_pairs = false;
  float attn_scale = 1.0F;  ///< attention scores are divided by it: √d_head
  /// Scores x become cap·tanh(x/cap), after the division; 0: they do not.
  float attn_scores_soft_cap = 0.0F;
  float output_logits_soft_cap = 0.0F;  ///< the same of the logits
  std::int64_t window_size = 0;  ///< keys that a query of a local layer sees, its own included
  std::vector<AttentionType> attn_types{};  ///< [n_layers]; empty: all global
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
  /// Whether there is a vector for every position, W_pos.
  [[nodiscard]] bool has_position_vectors() const { return !is_rotary(); }
  [[nodiscard]] bool positions_at_queries_and_keys() const {
    return positional_embedding_type == PositionalEmbeddingType::kShortformer;
  }
  [[nodiscard]] std::int64_t rotary_dims() const { return rotary_dim == 0 ? d_head : rotary_dim; }
  /// The keys that a query of a layer sees: the one place that knows masks.
  [[nodiscard]] KeyRange visible_keys(int layer, std::int64_t query) const;
  [[nodiscard]] bool is_rms() const { return normalization_type == NormKind::kRms; }

  /// That the model has no tokenizer, why, and what to do: for whoever needs one.
  [[nodiscard]] std::string no_tokenizer() const;

  /// Throws Error(kBadConfig) naming the first contradiction.
  void check() const;
};

}  // namespace patchbay
