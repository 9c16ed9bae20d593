// Direct logit attribution: what each component of the residual stream adds to the logit difference
// at END, through ln_final with its scale held at what the run had (Elhage et al. 2021).
#pragma once

#include "patchbay/experiments/settings_common.h"
#include "patchbay/model/logit_attribution.h"

namespace patchbay::experiments {

struct DirectLogitAttribution {
  static constexpr std::string_view kName = "direct_logit_attribution";
  static constexpr std::string_view kSummary =
      "what each component adds to the logit difference directly";
  static constexpr ExampleText kExample[] = {{"components", "heads"}};

  enum class Components { kComponents, kHeads, kNeurons };
  static constexpr Choice<Components> kComponentChoices[] = {
      {"components", Components::kComponents},
      {"heads", Components::kHeads},
      {"neurons", Components::kNeurons}};
  static constexpr Choice<LayerNormMeaning> kDefinitions[] = {
      {"complete", LayerNormMeaning::kComplete},
      {"transformer_lens", LayerNormMeaning::kTransformerLens}};
  enum class Side { kClean, kCorrupted };
  static constexpr Choice<Side> kSides[] = {{"clean", Side::kClean},
                                            {"corrupted", Side::kCorrupted}};

  Components components = Components::kComponents;
  Indices layers = {};   ///< of heads or neurons
  Indices neurons = {};  ///< of neurons
  LayerNormMeaning definition = LayerNormMeaning::kComplete;
  Side side = Side::kClean;

  template <class Visitor>
  void visit(Visitor& v) {
    v("components", components, one_of(kComponentChoices),
      "components: embeddings, attn_out and mlp_out of each layer; heads: attn_out split into "
      "heads and b_O; neurons: MLP neurons and the remainder");
    v("layers", layers, "only heads or neurons of these layers are components of their own");
    v("neurons", neurons, "only these neurons of each layer");
    v("definition", definition, one_of(kDefinitions),
      "complete: ln_final's weight and bias and b_U are part of it, so that components sum to the "
      "logit difference; transformer_lens: its logit_attrs");
    v("side", side, one_of(kSides), "which prompts: clean or corrupted");
  }
};

/// Throws what `run` would throw, without running anything.
void check(Session& session, const DirectLogitAttribution& settings);
/// [component, prompt]: what each adds to the logit difference.
EffectTable run(Session& session, const DirectLogitAttribution& settings);
/// The entry in the list of experiments.
const Experiment& direct_logit_attribution();

}  // namespace patchbay::experiments
