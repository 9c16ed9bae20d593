// One hook point of one model: its full name, from and to text, its shape.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/config/hooked_transformer_config.h"
#include "patchbay/hooks/hook_points.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// One hook point of one model: a point and, where there is one per layer, its layer.
struct HookName {
  HookPoint point = HookPoint::kEmbed;
  int layer = -1;  ///< −1 for a point that is not in a block

  /// "blocks.9.attn.hook_z"
  [[nodiscard]] std::string str() const;
  /// The shape of the activation for `batch` prompts of `pos` tokens.
  [[nodiscard]] Shape shape(const HookedTransformerConfig& cfg, std::int64_t batch,
                            std::int64_t pos) const;
  /// "[batch, pos, head_index, d_head]"
  [[nodiscard]] std::string axes(const HookedTransformerConfig& cfg) const;

  /// Whether a model of this config has it.
  [[nodiscard]] bool is_in(const HookedTransformerConfig& cfg) const;

  /// From the full name, for a model. Throws kUsage with the nearest name.
  static HookName parse(std::string_view name, const HookedTransformerConfig& cfg);
  /// From TransformerLens's short form: ("pattern", 9), ("resid_pre", 0), ("embed"),
  /// ("scale", 3, "ln1"). Negative layers count from the end. Throws kUsage with the nearest name.
  static HookName of(std::string_view short_name, const HookedTransformerConfig& cfg,
                     int layer = kNoLayer, std::string_view layer_type = "");
  static constexpr int kNoLayer = -1000000;

  friend bool operator==(const HookName&, const HookName&) = default;
};

/// Forward order: which of two activations is computed first.
std::strong_ordering operator<=>(const HookName& a, const HookName& b);

/// Every hook name of a model, in forward order.
std::vector<HookName> hook_names(const HookedTransformerConfig& cfg);

}  // namespace patchbay
