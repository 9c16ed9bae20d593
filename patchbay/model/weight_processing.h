// Rewrites weights so that single components are easier to read, without changing what the model
// predicts.
//
// The functions mean what TransformerLens's of the same names mean
// (HookedTransformer.fold_layer_norm and so on) for models with layer normalisation.
// Log-probabilities, logit differences and attention patterns stay as they were, and so do the
// logits except that center_unembed takes the same number from every logit of a position; what a
// single head, neuron or direction is said to contribute does change, which is why
// weights.processing records what was done and results report it. Sums run in double precision and
// every function rounds its results to float once. A second call changes nothing. The functions may
// be called in any order: up to rounding they give the same weights. They throw kBadData or
// kBadConfig for tensors that are not those of one model (check_weights).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "patchbay/model/weights.h"

namespace patchbay {

/// Moves the weight and bias of every LayerNorm into the maps that read from it (ln1 into W_Q, W_K,
/// W_V and their biases; ln2 into W_in, b_in; ln_final into W_U, b_U), and leaves w = 1, b = 0.
/// Then takes from every column of those maps its mean over d_model, which no centred input can
/// see. A root-mean-square norm has only its weight to move (ln2's into W_gate too), and does not
/// centre its input, so the maps are not centred.
void fold_layer_norm(Weights& weights);

/// Takes from every vector that is written to the residual stream (rows of W_E, W_pos, W_O, W_out;
/// b_O, b_out) its mean over d_model, which every LayerNorm removes anyway. Throws kUsage for a
/// model with root-mean-square norms, which do not. A model whose queries and keys alone read W_pos
/// takes no centred weights.
void center_writing_weights(Weights& weights);

/// Takes from W_U and b_U their means over d_vocab, which softmax cannot see.
void center_unembed(Weights& weights);

/// Moves the value biases into the output bias, b_O += Σ_h b_V[h]·W_O[h], b_V = 0: attention
/// patterns sum to 1, so that a head's value bias reaches every position alike. When
/// fold_layer_norm comes later, the value biases that it makes are moved too.
void fold_value_biases(Weights& weights);

/// The functions that `wanted` names, in TransformerLens's order: the order above.
Weights process_weights(Weights weights, const WeightProcessing& wanted);

/// The functions' names, in that order.
std::vector<std::string> names_of(const WeightProcessing& processing);
/// "fold_layer_norm,center_unembed", or "all". Throws kUsage that names `option`, with the nearest
/// name.
WeightProcessing parse_weight_processing(std::string_view text, std::string_view option);

}  // namespace patchbay
