// What attention heads compute whatever the prompt: their OV and QK circuits, how strongly heads
// compose, whether they copy. Elhage et al. 2021, "A Mathematical Framework for Transformer
// Circuits".
//
// All of it reads the weights as they are. The scores of the literature are of processed weights:
// fold the LayerNorms (weight_processing.h) first. Products and sums run in double precision.
#pragma once

#include <complex>
#include <span>
#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/model/double_matrix.h"
#include "patchbay/model/factored_matrix.h"
#include "patchbay/model/weights.h"

namespace patchbay {

/// W_V·W_O [d_model, d_model]: what a head writes for what it attends to. Throws kUsage for a layer
/// or head that the model does not have, and for a model that normalises queries and keys or what
/// attention gives, as do all functions here.
FactoredMatrix OV(const Weights& weights, std::int64_t layer, std::int64_t head);
/// W_Q·W_Kᵀ [d_model, d_model], query side first: what a head attends to.
FactoredMatrix QK(const Weights& weights, std::int64_t layer, std::int64_t head);

/// ‖left·right‖ / (‖left‖·‖right‖) in Frobenius norms: how much of what `left` writes `right` reads
/// (TransformerLens's composition_scores). 0 when either norm is 0. Throws kUsage unless left has
/// as many columns as right has rows.
double composition_score(const FactoredMatrix& left, const FactoredMatrix& right);

/// Through which of its inputs the later head reads the earlier one.
enum class Composition { kQ, kK, kV };

/// The composition score of every head with every head of a later layer, [left layer, left head,
/// right layer, right head]; 0 where the right head is not later. The left matrix is OV; the right
/// one is QK, QKᵀ or OV (TransformerLens's all_composition_scores("Q" | "K" | "V")). Seconds on
/// GPT-2 small.
Tensor all_composition_scores(const RunContext& ctx, const Weights& weights, Composition mode);

/// The full OV circuit W_E·W_V·W_O·W_U [d_vocab, d_vocab] of any head: how attending to one token
/// raises the logit of another. Only its eigenvalues are computed, as those of the d_head × d_head
/// matrix W_O·(W_U·W_E)·W_V; the middle is the same for all heads and computed once.
class FullOV {
 public:
  /// `weights` must outlive it.
  FullOV(const RunContext& ctx, const Weights& weights);

  /// Its d_head eigenvalues that can differ from 0, the largest magnitude first.
  [[nodiscard]] std::vector<std::complex<double>> eigenvalues(std::int64_t layer,
                                                              std::int64_t head) const;

 private:
  const Weights& weights_;
  DoubleMatrix middle_;  // W_U·W_E [d_model, d_model]
};

/// Σ Re λ / Σ |λ|, from −1 to 1: 1 when all eigenvalues are positive, as a head that copies has
/// them (Elhage et al. 2021, "Summarizing OV/QK matrices"). 0 when all are 0.
double copying_score(std::span<const std::complex<double>> eigenvalues);

/// The copying score of every head's full OV circuit, [layer, head].
Tensor copying_scores(const RunContext& ctx, const Weights& weights);

}  // namespace patchbay
