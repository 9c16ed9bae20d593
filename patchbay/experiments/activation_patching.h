// Activation patching: one run's activations put into the other run, place by place (Vig et al.
// 2020, Meng et al. 2022; the studies of Wang et al. 2022 by total effect).
#pragma once

#include "patchbay/experiments/settings_common.h"

namespace patchbay::experiments {

/// What is patched one at a time; what no axis lists is patched at once.
enum class PatchAxis { kLayer, kHead, kPosition, kNeuron, kDestination, kSource };

/// The places that can be patched, by name.
OneOf<HookPoint> patch_sites();
OneOf<PatchAxis> patch_axes();

struct ActivationPatching {
  static constexpr std::string_view kName = "activation_patching";
  static constexpr std::string_view kSummary =
      "puts activations of one run into the other, place by place (total effects)";
  static constexpr ExampleText kExample[] = {{"site", "z"}, {"axes", "layer,head"}};
  static constexpr bool kCanBeSharded = true;

  std::vector<HookPoint> site = {HookPoint::kZ};  ///< several are an axis
  std::vector<PatchAxis> axes = {};               ///< none: layer and head, or layer and position
  Indices layers = {};                            ///< of what there is, on an axis or not
  Indices heads = {};
  PositionList positions = {};      ///< of scores and pattern the destinations
  PositionList src_positions = {};  ///< of scores and pattern
  Indices neurons = {};
  NodeList nodes = {};  ///< instead of axes; "9.9+9.6,10.0" patches two heads at once, then one
  Direction direction = Direction::kNoise;
  Source source = {};
  const metrics::Metric* metric = &metrics::find("logit_diff");
  EffectKind effect = EffectKind::kFraction;
  Aggregate aggregate = Aggregate::kRatioOfMeans;

  template <class Visitor>
  void visit(Visitor& v) {
    v("site", site, patch_sites(),
      "what is patched: resid_pre, resid_mid, resid_post, attn_out, mlp_out, z, q, k, v, rot_q, "
      "rot_k, pattern, attn_scores, result, mlp_post, mlp_pre, and what else takes row edits "
      "(q_input, mlp_in, mlp_pre_linear, ...); several give an axis of sites");
    v("axes", axes, patch_axes(),
      "what is patched one at a time: layer, head, position, neuron; of attention also destination "
      "and source; by default layer,head of sites with heads, else layer,position");
    v("layers", layers, kLayersHelp);
    v("heads", heads, kHeadsHelp);
    v("positions", positions, kPositionsHelp);
    v("src-positions", src_positions, "of attention, only these source positions");
    v("neurons", neurons, "only these neurons");
    v("nodes", nodes,
      "instead of axes: heads to patch at once, LAYER.HEAD joined by +, groups between commas");
    v("direction", direction, kDirectionHelp);
    visit_source(v, source);
    visit_measure(v, *this);
  }
};

/// Throws what `run` would throw, without running anything.
void check(Session& session, const ActivationPatching& settings);
/// [axes…, prompt]: the metric with each place patched; NaN where a prompt has no such place.
/// Throws FieldError for settings that cannot be.
EffectTable run(Session& session, const ActivationPatching& settings);
/// The entry in the list of experiments.
const Experiment& activation_patching();

}  // namespace patchbay::experiments
