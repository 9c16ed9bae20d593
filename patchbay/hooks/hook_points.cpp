#include "patchbay/hooks/hook_points.h"

#include <algorithm>
#include <iterator>

#include "patchbay/base/check.h"

namespace patchbay {
namespace {

using enum Axis;
using enum HookPoint;
using enum StreamUse;
using Config = HookedTransformerConfig;

constexpr Axes kRows = {{kBatch, kPos, kDModel}, 3};
constexpr Axes kScales = {{kBatch, kPos, kOne}, 3};
constexpr Axes kRowsOfHeads = {{kBatch, kPos, kHeadIndex, kDModel}, 4};
constexpr Axes kRowsOfKeyValueHeads = {{kBatch, kPos, kKeyValueHead, kDModel}, 4};
constexpr Axes kHeads = {{kBatch, kPos, kHeadIndex, kDHead}, 4};
constexpr Axes kKeyValueHeads = {{kBatch, kPos, kKeyValueHead, kDHead}, 4};
constexpr Axes kScalesOfHeads = {{kBatch, kPos, kHeadIndex, kOne}, 4};
constexpr Axes kScalesOfKeyValueHeads = {{kBatch, kPos, kKeyValueHead, kOne}, 4};
constexpr Axes kAttention = {{kBatch, kHeadIndex, kQueryPos, kKeyPos}, 4};
constexpr Axes kNeurons = {{kBatch, kPos, kDMlp}, 3};

bool has_learned_positions(const Config& cfg) { return cfg.has_position_vectors(); }
bool is_rotary(const Config& cfg) { return cfg.is_rotary(); }
bool has_own_key_value_heads(const Config& cfg) { return !cfg.grouped_queries(); }
bool has_mlp(const Config& cfg) { return !cfg.attn_only; }
bool has_gated_mlp(const Config& cfg) { return cfg.gated_mlp; }
bool has_state_between(const Config& cfg) { return has_mlp(cfg) && !cfg.parallel_attn_mlp; }
bool has_norms(const Config& cfg) { return cfg.normalization_type != NormKind::kNone; }
bool has_norms_after(const Config& cfg) {
  return has_norms(cfg) && cfg.use_normalization_before_and_after;
}
bool has_norm_of_mlp(const Config& cfg) { return has_norms(cfg) && has_mlp(cfg); }
bool has_norm_after_mlp(const Config& cfg) { return has_norms_after(cfg) && has_mlp(cfg); }
bool has_query_key_norms(const Config& cfg) { return has_norms(cfg) && cfg.use_qk_norm; }

constexpr HookPointInfo kTable[] = {
    {.point = kEmbed,
     .pattern = "hook_embed",
     .short_name = "embed",
     .what = "token embeddings, W_E[tokens]",
     .axes = kRows,
     .number = 0},
    {.point = kPosEmbed,
     .pattern = "hook_pos_embed",
     .short_name = "pos_embed",
     .what = "position embeddings, W_pos",
     .axes = kRows,
     .number = 1,
     .needs = &has_learned_positions},
    {.point = kResidPre,
     .pattern = "blocks.{}.hook_resid_pre",
     .short_name = "resid_pre",
     .what = "the residual stream before the block",
     .axes = kRows,
     .number = 2,
     .stream = kIs},
    {.point = kAttnIn,
     .pattern = "blocks.{}.hook_attn_in",
     .short_name = "attn_in",
     .what = "one copy of resid_pre per head",
     .axes = kRowsOfHeads,
     .number = 3,
     .needs = &has_own_key_value_heads,
     .editable = false,
     .on_request = true},
    {.point = kQInput,
     .pattern = "blocks.{}.hook_q_input",
     .short_name = "q_input",
     .what = "what each head's queries read, before ln1",
     .axes = kRowsOfHeads,
     .number = 4,
     .on_request = true},
    {.point = kKInput,
     .pattern = "blocks.{}.hook_k_input",
     .short_name = "k_input",
     .what = "what each head's keys read, before ln1",
     .axes = kRowsOfKeyValueHeads,
     .number = 5,
     .on_request = true},
    {.point = kVInput,
     .pattern = "blocks.{}.hook_v_input",
     .short_name = "v_input",
     .what = "what each head's values read, before ln1",
     .axes = kRowsOfKeyValueHeads,
     .number = 6,
     .on_request = true},
    {.point = kLn1Scale,
     .pattern = "blocks.{}.ln1.hook_scale",
     .short_name = "ln1.scale",
     .what =
         "sqrt(variance + eps) of resid_pre; of a root-mean-square norm sqrt(mean square + eps)",
     .axes = kScales,
     .number = 7,
     .needs = &has_norms,
     .scales_stream = true},
    {.point = kLn1Normalized,
     .pattern = "blocks.{}.ln1.hook_normalized",
     .short_name = "ln1.normalized",
     .what = "ln1's output: with weight and bias; of a root-mean-square norm before its weight",
     .axes = kRows,
     .number = 8,
     .needs = &has_norms},
    {.point = kQ,
     .pattern = "blocks.{}.attn.hook_q",
     .short_name = "q",
     .what = "queries",
     .axes = kHeads,
     .number = 9,
     .stream = kReadByAttn,
     .input = kQInput},
    {.point = kK,
     .pattern = "blocks.{}.attn.hook_k",
     .short_name = "k",
     .what = "keys",
     .axes = kKeyValueHeads,
     .number = 10,
     .stream = kReadByAttn,
     .input = kKInput},
    {.point = kV,
     .pattern = "blocks.{}.attn.hook_v",
     .short_name = "v",
     .what = "values",
     .axes = kKeyValueHeads,
     .number = 11,
     .stream = kReadByAttn,
     .input = kVInput},
    {.point = kQNormScale,
     .pattern = "blocks.{}.attn.q_norm.hook_scale",
     .short_name = "q_norm.scale",
     .what = "sqrt(mean square + eps) of each head's queries; of a layer norm sqrt(variance + eps)",
     .axes = kScalesOfHeads,
     .number = 30,
     .needs = &has_query_key_norms},
    {.point = kQNormNormalized,
     .pattern = "blocks.{}.attn.q_norm.hook_normalized",
     .short_name = "q_norm.normalized",
     .what = "normalised queries: before the weight, of a layer norm with weight and bias",
     .axes = kHeads,
     .number = 31,
     .needs = &has_query_key_norms},
    {.point = kKNormScale,
     .pattern = "blocks.{}.attn.k_norm.hook_scale",
     .short_name = "k_norm.scale",
     .what = "sqrt(mean square + eps) of each head's keys; of a layer norm sqrt(variance + eps)",
     .axes = kScalesOfKeyValueHeads,
     .number = 32,
     .needs = &has_query_key_norms},
    {.point = kKNormNormalized,
     .pattern = "blocks.{}.attn.k_norm.hook_normalized",
     .short_name = "k_norm.normalized",
     .what = "normalised keys: before the weight, of a layer norm with weight and bias",
     .axes = kKeyValueHeads,
     .number = 33,
     .needs = &has_query_key_norms},
    {.point = kRotQ,
     .pattern = "blocks.{}.attn.hook_rot_q",
     .short_name = "rot_q",
     .what = "queries, turned by their positions",
     .axes = kHeads,
     .number = 12,
     .needs = &is_rotary},
    {.point = kRotK,
     .pattern = "blocks.{}.attn.hook_rot_k",
     .short_name = "rot_k",
     .what = "keys, turned by their positions",
     .axes = kKeyValueHeads,
     .number = 13,
     .needs = &is_rotary},
    {.point = kAttnScores,
     .pattern = "blocks.{}.attn.hook_attn_scores",
     .short_name = "attn_scores",
     .what = "q·k / attn_scale; -inf where a key lies after its query",
     .axes = kAttention,
     .number = 14},
    {.point = kPattern,
     .pattern = "blocks.{}.attn.hook_pattern",
     .short_name = "pattern",
     .what = "attention probabilities",
     .axes = kAttention,
     .number = 15},
    {.point = kZ,
     .pattern = "blocks.{}.attn.hook_z",
     .short_name = "z",
     .what = "values mixed by the pattern, before W_O",
     .axes = kHeads,
     .number = 16,
     .stream = kWrittenByAttn},
    {.point = kResult,
     .pattern = "blocks.{}.attn.hook_result",
     .short_name = "result",
     .what = "each head's own output z·W_O, without b_O",
     .axes = kRowsOfHeads,
     .number = 17,
     .stream = kWrittenByAttn,
     .on_request = true},
    {.point = kLn1PostScale,
     .pattern = "blocks.{}.ln1_post.hook_scale",
     .short_name = "ln1_post.scale",
     .what =
         "sqrt(mean square + eps) of what attention gives; of a layer norm sqrt(variance + eps)",
     .axes = kScales,
     .number = 34,
     .needs = &has_norms_after},
    {.point = kLn1PostNormalized,
     .pattern = "blocks.{}.ln1_post.hook_normalized",
     .short_name = "ln1_post.normalized",
     .what = "what attention gives, normalised: before the weight, of a layer norm with weight and "
             "bias",
     .axes = kRows,
     .number = 35,
     .needs = &has_norms_after},
    {.point = kAttnOut,
     .pattern = "blocks.{}.hook_attn_out",
     .short_name = "attn_out",
     .what = "the attention layer's output, with b_O",
     .axes = kRows,
     .number = 18,
     .stream = kWrittenByAttn},
    {.point = kResidMid,
     .pattern = "blocks.{}.hook_resid_mid",
     .short_name = "resid_mid",
     .what = "the residual stream between attention and MLP",
     .axes = kRows,
     .number = 19,
     .needs = &has_state_between,
     .stream = kIs},
    {.point = kMlpIn,
     .pattern = "blocks.{}.hook_mlp_in",
     .short_name = "mlp_in",
     .what = "a copy of resid_mid that the MLP alone reads",
     .axes = kRows,
     .number = 20,
     .needs = &has_mlp,
     .stream = kReadByMlp,
     .on_request = true},
    {.point = kLn2Scale,
     .pattern = "blocks.{}.ln2.hook_scale",
     .short_name = "ln2.scale",
     .what =
         "sqrt(variance + eps) of resid_mid; of a root-mean-square norm sqrt(mean square + eps)",
     .axes = kScales,
     .number = 21,
     .needs = &has_norm_of_mlp,
     .scales_stream = true},
    {.point = kLn2Normalized,
     .pattern = "blocks.{}.ln2.hook_normalized",
     .short_name = "ln2.normalized",
     .what = "ln2's output: with weight and bias; of a root-mean-square norm before its weight",
     .axes = kRows,
     .number = 22,
     .needs = &has_norm_of_mlp},
    {.point = kMlpPre,
     .pattern = "blocks.{}.mlp.hook_pre",
     .short_name = "pre",
     .what = "neurons before the activation function (of a gated MLP, the gate)",
     .axes = kNeurons,
     .number = 23,
     .needs = &has_mlp,
     .stream = kReadByMlp,
     .input = kMlpIn,
     .site = "mlp_pre"},
    {.point = kMlpPreLinear,
     .pattern = "blocks.{}.mlp.hook_pre_linear",
     .short_name = "pre_linear",
     .what = "what the gate is multiplied with",
     .axes = kNeurons,
     .number = 24,
     .needs = &has_gated_mlp,
     .stream = kReadByMlp,
     .input = kMlpIn,
     .site = "mlp_pre_linear"},
    {.point = kMlpPost,
     .pattern = "blocks.{}.mlp.hook_post",
     .short_name = "post",
     .what = "neurons after the activation function and the gate",
     .axes = kNeurons,
     .number = 25,
     .needs = &has_mlp,
     .stream = kWrittenByMlp,
     .site = "mlp_post"},
    {.point = kLn2PostScale,
     .pattern = "blocks.{}.ln2_post.hook_scale",
     .short_name = "ln2_post.scale",
     .what = "sqrt(mean square + eps) of what the MLP gives; of a layer norm sqrt(variance + eps)",
     .axes = kScales,
     .number = 36,
     .needs = &has_norm_after_mlp},
    {.point = kLn2PostNormalized,
     .pattern = "blocks.{}.ln2_post.hook_normalized",
     .short_name = "ln2_post.normalized",
     .what =
         "what the MLP gives, normalised: before the weight, of a layer norm with weight and bias",
     .axes = kRows,
     .number = 37,
     .needs = &has_norm_after_mlp},
    {.point = kMlpOut,
     .pattern = "blocks.{}.hook_mlp_out",
     .short_name = "mlp_out",
     .what = "the MLP's output, with b_out",
     .axes = kRows,
     .number = 26,
     .needs = &has_mlp,
     .stream = kWrittenByMlp},
    {.point = kResidPost,
     .pattern = "blocks.{}.hook_resid_post",
     .short_name = "resid_post",
     .what = "the residual stream after the block",
     .axes = kRows,
     .number = 27,
     .stream = kIs},
    {.point = kLnFinalScale,
     .pattern = "ln_final.hook_scale",
     .short_name = "ln_final.scale",
     .what = "sqrt(variance + eps) of the last resid_post; of a root-mean-square norm sqrt(mean "
             "square + eps)",
     .axes = kScales,
     .number = 28,
     .needs = &has_norms,
     .scales_stream = true},
    {.point = kLnFinalNormalized,
     .pattern = "ln_final.hook_normalized",
     .short_name = "ln_final.normalized",
     .what =
         "ln_final's output: with weight and bias; of a root-mean-square norm before its weight",
     .axes = kRows,
     .number = 29,
     .needs = &has_norms},
};

constexpr bool table_is_in_order() {
  for (std::size_t i = 0; i < std::size(kTable); ++i) {
    if (static_cast<std::size_t>(kTable[i].point) != i) return false;
  }
  return true;
}
static_assert(table_is_in_order(), "the table lists the points in the order of the enum");

}  // namespace

std::string_view name_of(Axis axis, const HookedTransformerConfig& cfg) {
  constexpr std::string_view kNames[] = {"batch",   "pos",     "head_index", "key_value_head_index",
                                         "d_head",  "d_model", "d_mlp",      "query_pos",
                                         "key_pos", "1"};
  check_index("hooks", "axis", static_cast<std::int64_t>(axis), std::ssize(kNames));
  if (axis == kKeyValueHead && !cfg.grouped_queries()) axis = kHeadIndex;
  return kNames[static_cast<std::size_t>(axis)];
}

Unit HookPointInfo::unit() const {
  const auto has = [this](Axis axis) {
    return std::ranges::find(axis_list(), axis) != axis_list().end();
  };
  if (has(kHeadIndex)) return Unit::kHead;
  if (has(kKeyValueHead)) return Unit::kKeyValueHead;
  return has(kDMlp) ? Unit::kNeuron : Unit::kRow;
}

std::span<const HookPointInfo> hook_points() { return kTable; }

const HookPointInfo& info(HookPoint point) {
  check_index("hooks", "hook point", static_cast<std::int64_t>(point), std::ssize(kTable));
  return kTable[static_cast<std::size_t>(point)];
}

}  // namespace patchbay
