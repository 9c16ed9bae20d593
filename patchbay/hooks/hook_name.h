// The one table of hook points: TransformerLens's names, in forward order, with their axes.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/config/hooked_transformer_config.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// Every activation that can be observed or edited, in the order in which a block computes them.
enum class HookPoint : std::int8_t {
  kEmbed,
  kPosEmbed,
  kResidPre,
  kAttnIn,
  kQInput,
  kKInput,
  kVInput,
  kLn1Scale,
  kLn1Normalized,
  kQ,
  kK,
  kV,
  kRotQ,
  kRotK,
  kAttnScores,
  kPattern,
  kZ,
  kResult,
  kAttnOut,
  kResidMid,
  kMlpIn,
  kLn2Scale,
  kLn2Normalized,
  kMlpPre,
  kMlpPreLinear,
  kMlpPost,
  kMlpOut,
  kResidPost,
  kLnFinalScale,
  kLnFinalNormalized,
};

enum class Axis : std::int8_t {
  kBatch,
  kPos,
  kHeadIndex,
  kKeyValueHead,
  kDHead,
  kDModel,
  kDMlp,
  kQueryPos,
  kKeyPos,
  kOne,
};

/// "batch", "pos", "head_index", …; "1" for an axis of one. The axis of key/value heads is
/// "head_index" too, except in a model that groups queries: "key_value_head_index".
std::string_view name_of(Axis axis, const HookedTransformerConfig& cfg);

/// Which models have a hook point.
enum class Needs : std::int8_t {
  kNothing,            ///< all
  kStandardPositions,  ///< those with learned position embeddings
  kOwnKeyValueHeads,   ///< those without grouped queries
  kRotary,             ///< those with rotary embeddings
  kGatedMlp,           ///< those with a gated MLP
};

/// What the table says of one hook point.
struct HookPointInfo {
  HookPoint point;
  std::string_view pattern;     ///< "blocks.{}.attn.hook_q", or a name without a layer
  std::string_view short_name;  ///< "q": for ("q", 9)
  std::string_view what;        ///< one line for people
  std::array<Axis, 4> axes;     ///< the first `rank` of them
  int rank;
  Needs needs = Needs::kNothing;
  bool on_request = false;  ///< large, and nothing in the pass needs it: TransformerLens has a flag
  [[nodiscard]] bool per_layer() const { return pattern.find("{}") != std::string_view::npos; }
  [[nodiscard]] std::span<const Axis> axis_list() const {
    return {axes.data(), static_cast<std::size_t>(rank)};
  }
};

/// The table, in forward order.
std::span<const HookPointInfo> hook_points();
const HookPointInfo& info(HookPoint point);

/// Whether it is attention, [batch, head_index, query_pos, key_pos]: scores or pattern.
inline bool is_attention(HookPoint point) {
  return point == HookPoint::kAttnScores || point == HookPoint::kPattern;
}

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
