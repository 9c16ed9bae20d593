// What components of the residual stream do to the input of a layer and to the logits, with every
// LayerNorm's scale held at what the run had: a LayerNorm is then a linear map.
//
// The functions mean what TransformerLens's ActivationCache.apply_ln_to_stack and logit_attrs mean;
// where those leave something out, LayerNormMeaning says which of the two is meant, and the default
// leaves nothing out. Sums run in double precision and are rounded to float once.
#pragma once

#include <string>
#include <vector>

#include "patchbay/model/residual_stack.h"
#include "patchbay/text/byte_pair_encoding.h"

namespace patchbay {

/// What a LayerNorm makes of a component.
enum class LayerNormMeaning {
  /// Centred, divided by the cached scale, times the LayerNorm's weight. Its bias is a component
  /// of its own, "bias", so that parts add up to the LayerNorm's output (and, in logit_attrs with
  /// b_U, to the logit); states get it added.
  kComplete,
  /// Centred and divided by the cached scale. Weight and bias are left out, and b_U too: right for
  /// weights after fold_layer_norm, whose biases then show up nowhere.
  kTransformerLens,
};

struct ApplyLnOptions {
  std::int64_t layer = kFinalLayer;  ///< whose input it is: ln1 or ln2 of a block, or ln_final
  bool mlp_input = false;            ///< ln2 rather than ln1
  LayerNormMeaning meaning = LayerNormMeaning::kComplete;
};

/// What the components become in the input of `layer`. Throws kUsage for a stack to which it was
/// applied already.
ResidualStack apply_ln_to_stack(const ActivationCache& cache, const Weights& weights,
                                const ResidualStack& stack, const ApplyLnOptions& options = {});

struct LogitAttrsOptions {
  /// One token for all, one per prompt [batch], or one per position [batch·pos].
  std::vector<TokenId> tokens = {};
  /// As many, or none: attributions of the logit alone instead of the logit difference.
  std::vector<TokenId> incorrect_tokens = {};
  LayerNormMeaning meaning = LayerNormMeaning::kComplete;
};

struct LogitAttributions {
  Tensor values;                    ///< [component, batch, pos]; at one position [component, batch]
  std::vector<std::string> labels;  ///< [component]
};

/// How much each component adds to logit(token) − logit(incorrect token), through ln_final with its
/// scale held fixed: direct logit attribution. In the complete meaning the parts of a whole stream
/// add up to that difference up to rounding. Takes the stack before apply_ln_to_stack and throws
/// kUsage after it; kUsage also for a token that is not in the vocabulary.
LogitAttributions logit_attrs(const ActivationCache& cache, const Weights& weights,
                              const ResidualStack& stack, const LogitAttrsOptions& options);

}  // namespace patchbay
