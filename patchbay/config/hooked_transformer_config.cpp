#include "patchbay/config/hooked_transformer_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "patchbay/base/check.h"
#include "patchbay/base/error.h"

namespace patchbay {
namespace {

// Far above any model, far below where products of two sizes could overflow.
constexpr std::int64_t kLargest = std::int64_t{1} << 28;
// Names of hooks are listed for every layer.
constexpr std::int64_t kMostLayers = 10'000;

}  // namespace

std::string_view name_of(PositionalEmbeddingType type) {
  constexpr std::string_view kNames[] = {"standard", "rotary", "shortformer"};
  check_index("config", "type of position embeddings", static_cast<std::int64_t>(type),
              std::ssize(kNames));
  return kNames[static_cast<std::size_t>(type)];
}

void HookedTransformerConfig::check() const {
  const auto fail = [](const std::string& what) {
    throw Error(ErrorKind::kBadConfig, "config", what);
  };
  const auto positive = [&](const char* name, std::int64_t value, std::int64_t most = kLargest) {
    if (value < 1 || value > most) {
      fail(fmt::format("{} is {}; it must be from 1 to {}", name, value, most));
    }
  };
  positive("n_layers", n_layers, kMostLayers);
  positive("n_heads", n_heads);
  positive("d_model", d_model);
  positive("d_head", d_head);
  if (!attn_only) {
    positive("d_mlp", d_mlp);
  } else if (d_mlp != 0 || gated_mlp || parallel_attn_mlp) {
    fail(
        "attn_only is true, so there is no MLP; set d_mlp to 0, gated_mlp and parallel_attn_mlp "
        "to false");
  }
  positive("n_ctx", n_ctx);
  positive("d_vocab", d_vocab);
  const std::int64_t groups = key_value_heads();
  if (groups < 1 || groups > n_heads || n_heads % groups != 0) {
    fail(fmt::format("n_key_value_heads is {}; it must divide n_heads, which is {}", groups,
                     n_heads));
  }
  if (is_rotary() && rotary_dim == 0 && d_head % 2 != 0) {
    fail(fmt::format("d_head is {}; rotary embeddings turn pairs, so it must be even", d_head));
  }
  if (rotary_dim < 0 || rotary_dim > d_head || rotary_dim % 2 != 0) {
    fail(fmt::format("rotary_dim is {}; it must be even and at most d_head, which is {}",
                     rotary_dim, d_head));
  }
  if (is_rotary() && !(rotary_base >= 1.0 && rotary_base <= 1e12)) {
    fail(fmt::format("rotary_base is {}; it must be from 1 to 1e12", rotary_base));
  }
  if (!(eps > 0) || !std::isfinite(eps)) {
    fail(fmt::format("eps is {}; a normalisation needs a positive one", eps));
  }
  if (!(attn_scale > 0) || !std::isfinite(attn_scale)) {
    fail(fmt::format("attn_scale is {}; it must be positive", attn_scale));
  }
  for (const auto& [name, cap] : {std::pair{"attn_scores_soft_cap", attn_scores_soft_cap},
                                  std::pair{"output_logits_soft_cap", output_logits_soft_cap}}) {
    if (!(cap >= 0) || !std::isfinite(cap)) {
      fail(fmt::format("{} is {}; it must be positive, or 0 for none", name, cap));
    }
  }
  const bool any_local = std::ranges::find(attn_types, AttentionType::kLocal) != attn_types.end();
  if (!attn_types.empty() && std::ssize(attn_types) != n_layers) {
    fail(fmt::format("attn_types has {} entries for {} layers", attn_types.size(), n_layers));
  }
  if (any_local && window_size < 1) {
    fail(fmt::format("window_size is {}; local layers need a positive one", window_size));
  }
  for (const auto& [name, id] :
       {std::pair{"bos_token_id", bos_token_id}, std::pair{"eos_token_id", eos_token_id}}) {
    if (id && (*id < 0 || *id >= d_vocab)) {
      fail(fmt::format("{} is {}, outside the vocabulary of {} tokens", name, *id, d_vocab));
    }
  }
}

KeyRange HookedTransformerConfig::visible_keys(int layer, std::int64_t query) const {
  const bool local =
      !attn_types.empty() && attn_types[static_cast<std::size_t>(layer)] == AttentionType::kLocal;
  return {local ? std::max<std::int64_t>(0, query + 1 - window_size) : 0, query + 1};
}

std::string HookedTransformerConfig::no_tokenizer() const {
  if (why_no_tokenizer.empty()) {
    return fmt::format(
        "{} has no tokenizer; put its tokenizer.json (or vocab.json and merges.txt) "
        "beside the weights, or give token ids",
        model_name);
  }
  return fmt::format("the tokenizer of {} cannot be read, so give token ids: {}", model_name,
                     why_no_tokenizer);
}

}  // namespace patchbay
