// The residual stream taken apart: what each component wrote to it.
//
// The functions mean what the methods of TransformerLens's ActivationCache of the same names mean
// and carry the same labels. A remainder is summed in double precision and rounded to float once.
// Every function throws kUsage for a layer or a position that is not there, and names the
// activation to keep when the cache lacks it. What a component does to a logit:
// logit_attribution.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/hooks/activation_cache.h"
#include "patchbay/model/weights.h"

namespace patchbay {

/// Components of the residual stream, at all positions or at one.
struct ResidualStack {
  /// What the components are to each other, which decides where a bias belongs.
  enum class Kind {
    kParts,   ///< they add up to the stream or to a part of it: a bias is a component of its own
    kStates,  ///< each is the whole stream at some point: a bias belongs to every one
  };

  Tensor values;  ///< [component, batch, pos, d_model]; at one position [component, batch, d_model]
  std::vector<std::string> labels;  ///< [component]
  Kind kind = Kind::kParts;
  std::optional<std::int64_t> pos = {};  ///< the one position, counted from 0
  bool layer_norm_applied = false;       ///< apply_ln_to_stack has been here
};

/// The layer that stands for the end: after the last block, before ln_final. n_layers says the
/// same.
inline constexpr std::int64_t kFinalLayer = -1;
/// The layer as a number from 0 to n_layers. Throws kUsage when there is none, and for the MLP
/// input of n_layers.
int resolve_layer(const HookedTransformerConfig& cfg, std::int64_t layer, bool mlp_input = false);

struct AccumulatedOptions {
  std::int64_t layer = kFinalLayer;
  bool incl_mid = false;                 ///< also between the halves of every block before `layer`
  bool mlp_input = false;                ///< also between the halves of `layer`
  std::optional<std::int64_t> pos = {};  ///< one position; negative ones count from the end
};

/// The residual stream before each layer up to `layer`: "0_pre", "0_mid", "1_pre", …, "final_post".
/// From resid_pre, resid_mid and the last resid_post; kStates.
ResidualStack accumulated_resid(const ActivationCache& cache,
                                const AccumulatedOptions& options = {});

enum class DecomposeMode { kAll, kAttn, kMlp };

struct DecomposeOptions {
  std::int64_t layer = kFinalLayer;
  DecomposeMode mode = DecomposeMode::kAll;
  bool mlp_input = false;  ///< also attn_out of `layer`: the input of its MLP
  bool incl_embeds = true;
  std::optional<std::int64_t> pos = {};  ///< one position; negative ones count from the end
};

/// What the embeddings and every half block before `layer` wrote: "embed", "pos_embed",
/// "0_attn_out", "0_mlp_out", … With the defaults they add up to the last resid_post.
ResidualStack decompose_resid(const ActivationCache& cache, const DecomposeOptions& options = {});

struct HeadResultsOptions {
  std::int64_t layer = kFinalLayer;
  bool incl_remainder = false;  ///< also the stream before `layer` minus all heads: "remainder"
  std::optional<std::int64_t> pos = {};  ///< one position; negative ones count from the end
};

/// What every head before `layer` wrote, without b_O: "L0H0", "L0H1", … From hook_result where the
/// cache has it, otherwise from hook_z and W_O with the very bits that hook_result would have.
/// For layer 0 TransformerLens's remainder is the final stream; here it is the stream before layer
/// 0. Throws kUsage for weights of another model.
ResidualStack stack_head_results(const RunContext& ctx, const ActivationCache& cache,
                                 const Weights& weights, const HeadResultsOptions& options = {});

struct NeuronResultsOptions {
  std::int64_t layer = kFinalLayer;
  std::vector<std::int64_t> layers = {};   ///< only of these layers; empty for all before `layer`
  std::vector<std::int64_t> neurons = {};  ///< which ones of each layer; empty for all
  bool incl_remainder = false;  ///< also the stream before `layer` minus these: "remainder"
  std::optional<std::int64_t> pos = {};  ///< one position; negative ones count from the end
};

/// What MLP neurons before `layer` wrote, without b_out: "L0N0", "L0N1", … From mlp.hook_post.
/// Large: n_layers·d_mlp components unless neurons are chosen. Throws kUsage for weights of another
/// model, and for a layer or neuron that is not there.
ResidualStack stack_neuron_results(const ActivationCache& cache, const Weights& weights,
                                   const NeuronResultsOptions& options = {});

}  // namespace patchbay
