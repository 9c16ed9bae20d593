// The next-token loss of a run (TransformerLens's lm_cross_entropy_loss).
#pragma once

#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/model/base_run.h"
#include "patchbay/model/hooked_transformer.h"
#include "patchbay/model/rows.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// −ln p(next token), in nats, at every position that has a next token.
struct TokenLosses {
  RowSet rows;    ///< (prompt, position) the prediction was made at
  Tensor values;  ///< [rows]

  /// The mean over all of them; 0 when there are none.
  [[nodiscard]] double mean() const;
};

/// From the logits of all tokens (Demand without chosen tokens) at any positions of `prompts`; a
/// prompt's last position predicts nothing known and is left out. Throws kUsage when the logits
/// are of chosen tokens or of other prompts.
TokenLosses loss_per_token(const RunContext& ctx, const Logits& logits,
                           const std::vector<Prompt>& prompts);

}  // namespace patchbay
