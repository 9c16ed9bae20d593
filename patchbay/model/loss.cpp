#include "patchbay/model/loss.h"

#include <fmt/format.h>

#include "patchbay/base/error.h"
#include "patchbay/tensor/softmax.h"

namespace patchbay {

double TokenLosses::mean() const {
  double sum = 0;
  for (const float value : values.flat()) sum += static_cast<double>(value);
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

TokenLosses loss_per_token(const RunContext& ctx, const Logits& logits,
                           const std::vector<Prompt>& prompts) {
  if (!logits.tokens.empty()) {
    throw Error(ErrorKind::kUsage, "loss",
                "these are the logits of chosen tokens; ask the run for the logits of all tokens");
  }
  if (logits.values.shape()[0] != logits.rows.size()) {
    throw Error(ErrorKind::kUsage, "loss",
                fmt::format("the logits {} are not of their {} rows; give what a run gave",
                            logits.values.shape().str(), logits.rows.size()));
  }
  const auto next_of = [&](const Row& row) -> const TokenId* {
    const auto prompt = static_cast<std::size_t>(row.sequence);
    const auto next = static_cast<std::size_t>(row.position) + 1;
    if (row.sequence < 0 || row.position < 0 || prompt >= prompts.size() ||
        next > prompts[prompt].size()) {
      throw Error(ErrorKind::kUsage, "loss",
                  fmt::format("logits at prompt {}, position {} are not of these prompts",
                              row.sequence, row.position));
    }
    return next < prompts[prompt].size() ? &prompts[prompt][next] : nullptr;
  };
  TokenLosses losses;
  losses.rows = logits.rows.where([&](const Row& row) { return next_of(row) != nullptr; });
  losses.values = Tensor({losses.rows.size()});
  if (losses.rows.empty()) return losses;

  const RowPicker predicting(logits.rows, losses.rows);
  const PickedRows chosen = predicting(logits.values);
  Tensor log_probs = Tensor::uninitialized(chosen.view().shape());  // [rows, d_vocab]
  log_softmax(ctx, chosen, log_probs);
  for (std::int64_t i = 0; i < losses.rows.size(); ++i) {
    const TokenId next = *next_of(losses.rows[i]);
    if (next < 0 || next >= log_probs.shape()[1]) {
      throw Error(ErrorKind::kUsage, "loss",
                  fmt::format("there is no token {}; the vocabulary has 0 to {}", next,
                              log_probs.shape()[1] - 1));
    }
    losses.values.data()[i] = -log_probs(i, next);
  }
  return losses;
}

}  // namespace patchbay
