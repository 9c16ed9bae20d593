// The one table of hook points: TransformerLens's names in forward order, their axes, and what an
// activation there means to whoever observes, edits or patches it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "patchbay/config/hooked_transformer_config.h"

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
  kQNormScale,
  kQNormNormalized,
  kKNormScale,
  kKNormNormalized,
  kRotQ,
  kRotK,
  kAttnScores,
  kPattern,
  kZ,
  kResult,
  kLn1PostScale,
  kLn1PostNormalized,
  kAttnOut,
  kResidMid,
  kMlpIn,
  kLn2Scale,
  kLn2Normalized,
  kMlpPre,
  kMlpPreLinear,
  kMlpPost,
  kLn2PostScale,
  kLn2PostNormalized,
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

/// The axes of one activation.
struct Axes {
  std::array<Axis, 4> axes;
  int rank;
  [[nodiscard]] std::span<const Axis> list() const {
    return {axes.data(), static_cast<std::size_t>(rank)};
  }
};

/// The parts of a row that can be named one by one.
enum class Unit : std::int8_t { kRow, kHead, kKeyValueHead, kNeuron };

/// What components have to do with the residual stream: where paths begin and end.
enum class StreamUse : std::int8_t {
  kNone,
  kIs,             ///< the stream itself
  kReadByAttn,     ///< what attention computes from it
  kReadByMlp,      ///< what the MLP computes from it
  kWrittenByAttn,  ///< what attention adds to it, before or after the last map
  kWrittenByMlp,   ///< what the MLP adds to it, before or after the last map
};

/// What the table says of one hook point.
struct HookPointInfo {
  HookPoint point;
  std::string_view pattern;     ///< "blocks.{}.attn.hook_q", or a name without a layer
  std::string_view short_name;  ///< "q": for ("q", 9)
  std::string_view what;        ///< one line for people
  Axes axes;
  int number;  ///< a point keeps it whatever points are added: noise is seeded with it
  /// Whether a model has it; null: every model.
  bool (*needs)(const HookedTransformerConfig& cfg) = nullptr;
  StreamUse stream = StreamUse::kNone;
  /// Where what a receiver here reads of the stream is put in: q_input for q, mlp_in for mlp_pre,
  /// itself for whatever needs no other point.
  HookPoint input = point;
  bool editable = true;        ///< takes row edits, which reach what is computed after it
  bool scales_stream = false;  ///< the scale of a norm that reads the stream: frozen norms keep it
  bool on_request = false;     ///< large, and no pass needs it: TransformerLens has a flag for it
  std::string_view site{};     ///< what the command calls it, where that is not the short name

  [[nodiscard]] bool is_in(const HookedTransformerConfig& cfg) const {
    return needs == nullptr || needs(cfg);
  }
  [[nodiscard]] bool per_layer() const { return pattern.find("{}") != std::string_view::npos; }
  [[nodiscard]] std::span<const Axis> axis_list() const { return axes.list(); }
  /// What "head" and "neuron" mean here, by the axes.
  [[nodiscard]] Unit unit() const;
  /// Whether activation patching can patch it: it is in a block, and takes row edits.
  [[nodiscard]] bool is_site() const { return per_layer() && editable; }
  [[nodiscard]] std::string_view site_name() const { return site.empty() ? short_name : site; }
  [[nodiscard]] bool reads_stream() const {
    return stream == StreamUse::kReadByAttn || stream == StreamUse::kReadByMlp;
  }
  [[nodiscard]] bool writes_stream() const {
    return stream == StreamUse::kWrittenByAttn || stream == StreamUse::kWrittenByMlp;
  }
  [[nodiscard]] bool is_stream() const { return stream == StreamUse::kIs; }
};

/// The table, in forward order.
std::span<const HookPointInfo> hook_points();
/// What the table says of a point. Throws kUsage for what is not a HookPoint.
const HookPointInfo& info(HookPoint point);

/// Whether it comes after all blocks: ln_final's points.
inline bool is_after_blocks(HookPoint point) { return point >= HookPoint::kLnFinalScale; }
/// Whether it is attention, [batch, head_index, query_pos, key_pos]: scores or pattern.
inline bool is_attention(HookPoint point) {
  return point == HookPoint::kAttnScores || point == HookPoint::kPattern;
}
/// Whether it is the copy of the stream that one head's queries, keys or values read.
inline bool is_head_input(HookPoint point) {
  return point >= HookPoint::kQInput && point <= HookPoint::kVInput;
}
/// Whether the MLP computes with it: anything from its input on, but not what comes out.
inline bool is_inside_mlp(HookPoint point) {
  return point >= HookPoint::kMlpIn && point < HookPoint::kMlpOut;
}

}  // namespace patchbay
