#include "patchbay/hooks/hook_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"

namespace patchbay {
namespace {

using enum Axis;
using enum HookPoint;

constexpr HookPointInfo kTable[] = {
    {kEmbed, "hook_embed", "embed", "token embeddings, W_E[tokens]", {kBatch, kPos, kDModel}, 3},
    {kPosEmbed,
     "hook_pos_embed",
     "pos_embed",
     "position embeddings, W_pos",
     {kBatch, kPos, kDModel},
     3,
     Needs::kStandardPositions},
    {kResidPre,
     "blocks.{}.hook_resid_pre",
     "resid_pre",
     "the residual stream before the block",
     {kBatch, kPos, kDModel},
     3},
    {kAttnIn,
     "blocks.{}.hook_attn_in",
     "attn_in",
     "one copy of resid_pre per head",
     {kBatch, kPos, kHeadIndex, kDModel},
     4,
     Needs::kOwnKeyValueHeads,
     true},
    {kQInput,
     "blocks.{}.hook_q_input",
     "q_input",
     "what each head's queries read, before ln1",
     {kBatch, kPos, kHeadIndex, kDModel},
     4,
     Needs::kNothing,
     true},
    {kKInput,
     "blocks.{}.hook_k_input",
     "k_input",
     "what each head's keys read, before ln1",
     {kBatch, kPos, kKeyValueHead, kDModel},
     4,
     Needs::kNothing,
     true},
    {kVInput,
     "blocks.{}.hook_v_input",
     "v_input",
     "what each head's values read, before ln1",
     {kBatch, kPos, kKeyValueHead, kDModel},
     4,
     Needs::kNothing,
     true},
    {kLn1Scale,
     "blocks.{}.ln1.hook_scale",
     "ln1.scale",
     "sqrt(variance + eps) of resid_pre; of a root-mean-square norm sqrt(mean square + eps)",
     {kBatch, kPos, kOne},
     3},
    {kLn1Normalized,
     "blocks.{}.ln1.hook_normalized",
     "ln1.normalized",
     "ln1's output: with weight and bias; of a root-mean-square norm before its weight",
     {kBatch, kPos, kDModel},
     3},
    {kQ, "blocks.{}.attn.hook_q", "q", "queries", {kBatch, kPos, kHeadIndex, kDHead}, 4},
    {kK, "blocks.{}.attn.hook_k", "k", "keys", {kBatch, kPos, kKeyValueHead, kDHead}, 4},
    {kV, "blocks.{}.attn.hook_v", "v", "values", {kBatch, kPos, kKeyValueHead, kDHead}, 4},
    {kRotQ,
     "blocks.{}.attn.hook_rot_q",
     "rot_q",
     "queries, turned by their positions",
     {kBatch, kPos, kHeadIndex, kDHead},
     4,
     Needs::kRotary},
    {kRotK,
     "blocks.{}.attn.hook_rot_k",
     "rot_k",
     "keys, turned by their positions",
     {kBatch, kPos, kKeyValueHead, kDHead},
     4,
     Needs::kRotary},
    {kAttnScores,
     "blocks.{}.attn.hook_attn_scores",
     "attn_scores",
     "q·k / attn_scale; -inf where a key lies after its query",
     {kBatch, kHeadIndex, kQueryPos, kKeyPos},
     4},
    {kPattern,
     "blocks.{}.attn.hook_pattern",
     "pattern",
     "attention probabilities",
     {kBatch, kHeadIndex, kQueryPos, kKeyPos},
     4},
    {kZ,
     "blocks.{}.attn.hook_z",
     "z",
     "values mixed by the pattern, before W_O",
     {kBatch, kPos, kHeadIndex, kDHead},
     4},
    {kResult,
     "blocks.{}.attn.hook_result",
     "result",
     "each head's own output z·W_O, without b_O",
     {kBatch, kPos, kHeadIndex, kDModel},
     4,
     Needs::kNothing,
     true},
    {kAttnOut,
     "blocks.{}.hook_attn_out",
     "attn_out",
     "the attention layer's output, with b_O",
     {kBatch, kPos, kDModel},
     3},
    {kResidMid,
     "blocks.{}.hook_resid_mid",
     "resid_mid",
     "the residual stream between attention and MLP",
     {kBatch, kPos, kDModel},
     3},
    {kMlpIn,
     "blocks.{}.hook_mlp_in",
     "mlp_in",
     "a copy of resid_mid that the MLP alone reads",
     {kBatch, kPos, kDModel},
     3,
     Needs::kNothing,
     true},
    {kLn2Scale,
     "blocks.{}.ln2.hook_scale",
     "ln2.scale",
     "sqrt(variance + eps) of resid_mid; of a root-mean-square norm sqrt(mean square + eps)",
     {kBatch, kPos, kOne},
     3},
    {kLn2Normalized,
     "blocks.{}.ln2.hook_normalized",
     "ln2.normalized",
     "ln2's output: with weight and bias; of a root-mean-square norm before its weight",
     {kBatch, kPos, kDModel},
     3},
    {kMlpPre,
     "blocks.{}.mlp.hook_pre",
     "pre",
     "neurons before the activation function (of a gated MLP, the gate)",
     {kBatch, kPos, kDMlp},
     3},
    {kMlpPreLinear,
     "blocks.{}.mlp.hook_pre_linear",
     "pre_linear",
     "what the gate is multiplied with",
     {kBatch, kPos, kDMlp},
     3,
     Needs::kGatedMlp},
    {kMlpPost,
     "blocks.{}.mlp.hook_post",
     "post",
     "neurons after the activation function and the gate",
     {kBatch, kPos, kDMlp},
     3},
    {kMlpOut,
     "blocks.{}.hook_mlp_out",
     "mlp_out",
     "the MLP's output, with b_out",
     {kBatch, kPos, kDModel},
     3},
    {kResidPost,
     "blocks.{}.hook_resid_post",
     "resid_post",
     "the residual stream after the block",
     {kBatch, kPos, kDModel},
     3},
    {kLnFinalScale,
     "ln_final.hook_scale",
     "ln_final.scale",
     "sqrt(variance + eps) of the last resid_post; of a root-mean-square norm sqrt(mean square + "
     "eps)",
     {kBatch, kPos, kOne},
     3},
    {kLnFinalNormalized,
     "ln_final.hook_normalized",
     "ln_final.normalized",
     "ln_final's output: with weight and bias; of a root-mean-square norm before its weight",
     {kBatch, kPos, kDModel},
     3},
};

// TransformerLens's other words for the same points (utils.get_act_name).
constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
    {"attn", "pattern"},  {"attn_logits", "attn_scores"},
    {"query", "q"},       {"key", "k"},
    {"value", "v"},       {"mlp_pre", "pre"},
    {"mlp_post", "post"},
};

constexpr bool table_is_in_order() {
  for (std::size_t i = 0; i < std::size(kTable); ++i) {
    if (static_cast<std::size_t>(kTable[i].point) != i) return false;
  }
  return true;
}
static_assert(table_is_in_order(), "the table lists the points in the order of the enum");

std::int64_t extent(Axis axis, const HookedTransformerConfig& cfg, std::int64_t batch,
                    std::int64_t pos) {
  switch (axis) {
    case kBatch:
      return batch;
    case kPos:
    case kQueryPos:
    case kKeyPos:
      return pos;
    case kHeadIndex:
      return cfg.n_heads;
    case kKeyValueHead:
      return cfg.key_value_heads();
    case kDHead:
      return cfg.d_head;
    case kDModel:
      return cfg.d_model;
    case kDMlp:
      return cfg.d_mlp;
    case kOne:
      return 1;
  }
  return 0;
}

bool has(const HookedTransformerConfig& cfg, const HookPointInfo& point) {
  switch (point.needs) {
    case Needs::kNothing:
      return true;
    case Needs::kStandardPositions:
      return !cfg.is_rotary();
    case Needs::kOwnKeyValueHeads:
      return !cfg.grouped_queries();
    case Needs::kRotary:
      return cfg.is_rotary();
    case Needs::kGatedMlp:
      return cfg.gated_mlp;
  }
  return false;
}

[[noreturn]] void unknown(std::string_view name, const std::vector<std::string>& candidates) {
  throw Error(ErrorKind::kUsage, "hooks",
              fmt::format("there is no hook point \"{}\"{}", name,
                          candidates.empty() ? "" : did_you_mean(name, candidates)));
}

}  // namespace

std::string_view name_of(Axis axis, const HookedTransformerConfig& cfg) {
  constexpr std::string_view kNames[] = {"batch",   "pos",     "head_index", "key_value_head_index",
                                         "d_head",  "d_model", "d_mlp",      "query_pos",
                                         "key_pos", "1"};
  if (axis == kKeyValueHead && !cfg.grouped_queries()) axis = kHeadIndex;
  return kNames[static_cast<std::size_t>(axis)];
}

std::span<const HookPointInfo> hook_points() { return kTable; }

const HookPointInfo& info(HookPoint point) { return kTable[static_cast<std::size_t>(point)]; }

std::string HookName::str() const { return fmt::format(fmt::runtime(info(point).pattern), layer); }

Shape HookName::shape(const HookedTransformerConfig& cfg, std::int64_t batch,
                      std::int64_t pos) const {
  std::vector<std::int64_t> extents;
  for (const Axis axis : info(point).axis_list()) extents.push_back(extent(axis, cfg, batch, pos));
  return Shape(extents);
}

std::string HookName::axes(const HookedTransformerConfig& cfg) const {
  std::vector<std::string_view> names;
  for (const Axis axis : info(point).axis_list()) names.push_back(name_of(axis, cfg));
  return fmt::format("[{}]", fmt::join(names, ", "));
}

HookName HookName::parse(std::string_view name, const HookedTransformerConfig& cfg) {
  std::vector<std::string> known;
  for (const HookName& hook : hook_names(cfg)) {
    known.push_back(hook.str());
    if (known.back() == name) return hook;
  }
  unknown(name, known);
}

HookName HookName::of(std::string_view short_name, const HookedTransformerConfig& cfg, int layer,
                      std::string_view layer_type) {
  const std::int64_t n_layers = cfg.n_layers;
  std::string wanted(short_name);
  for (const auto& [alias, meaning] : kAliases) {
    if (alias == short_name) wanted = meaning;
  }
  if (!layer_type.empty()) wanted = fmt::format("{}.{}", layer_type, wanted);
  if (layer == kNoLayer && (wanted == "scale" || wanted == "normalized")) {
    wanted = "ln_final." + wanted;  // as TransformerLens reads ("scale",) without a layer
  }
  std::vector<std::string> known;
  for (const HookPointInfo& entry : kTable) {
    if (!has(cfg, entry)) continue;
    known.emplace_back(entry.short_name);
    if (entry.short_name != wanted) continue;
    if (!entry.per_layer()) {
      if (layer != kNoLayer) {
        throw Error(ErrorKind::kUsage, "hooks",
                    fmt::format("\"{}\" is not in a block; leave its layer away", short_name));
      }
      return {entry.point, -1};
    }
    const std::int64_t from_start = layer < 0 ? layer + n_layers : layer;
    if (layer == kNoLayer || from_start < 0 || from_start >= n_layers) {
      throw Error(ErrorKind::kUsage, "hooks",
                  layer == kNoLayer
                      ? fmt::format("\"{}\" needs a layer, 0 to {}", short_name, n_layers - 1)
                      : fmt::format("\"{}\" in layer {}: the model has layers 0 to {}", short_name,
                                    layer, n_layers - 1));
    }
    return {entry.point, static_cast<int>(from_start)};
  }
  unknown(short_name, known);
}

std::strong_ordering operator<=>(const HookName& a, const HookName& b) {
  // Points before the blocks, then block by block, then points after them.
  const auto stage = [](const HookName& hook) {
    if (info(hook.point).per_layer()) return 1;
    return hook.point < kResidPre ? 0 : 2;
  };
  if (const auto order = stage(a) <=> stage(b); order != 0) return order;
  if (const auto order = a.layer <=> b.layer; order != 0) return order;
  return a.point <=> b.point;
}

std::vector<HookName> hook_names(const HookedTransformerConfig& cfg) {
  std::vector<HookName> names;
  for (const HookPointInfo& entry : kTable) {
    if (!has(cfg, entry)) continue;
    const int layers = entry.per_layer() ? static_cast<int>(cfg.n_layers) : 1;
    for (int layer = 0; layer < layers; ++layer) {
      names.push_back({entry.point, entry.per_layer() ? layer : -1});
    }
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace patchbay
