// What a model says next: the distribution of one token, and the most likely tokens one after the
// other.
#pragma once

#include <cstdint>
#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/model/hooked_transformer.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// The distribution of the token that follows a prompt.
struct NextToken {
  Tensor logits;               ///< [d_vocab]
  Tensor probabilities;        ///< [d_vocab], softmax of the logits
  Tensor log_probabilities;    ///< [d_vocab], in nats
  std::vector<TokenId> order;  ///< every token by falling logit; equal ones by id

  /// The token's place in `order`, from 1. Throws kUsage for an id that is not in the vocabulary.
  [[nodiscard]] std::int64_t rank(TokenId id) const;
};

/// The distribution at the last position of one prompt. Throws as HookedTransformer::run.
NextToken next_token(const RunContext& ctx, const HookedTransformer& model, const Prompt& prompt);

/// Tokens that a model wrote.
struct Generated {
  std::vector<TokenId> tokens;  ///< without the prompt's, and without the end-of-text token
  bool stopped_at_eos = false;  ///< the end-of-text token was the most likely one
};

/// Greedy generation: the most likely token after `prompt`, again and again, `count` tokens or up
/// to the end-of-text token; of equally likely tokens the lowest id. Throws kUsage for a negative
/// `count` and for more tokens than the model has positions for; as HookedTransformer::run.
Generated generate(const RunContext& ctx, const HookedTransformer& model, Prompt prompt,
                   std::int64_t count);

}  // namespace patchbay
