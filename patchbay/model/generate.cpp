#include "patchbay/model/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <numeric>
#include <utility>

#include "patchbay/base/check.h"
#include "patchbay/base/error.h"
#include "patchbay/tensor/softmax.h"

namespace patchbay {
namespace {

// [1, d_vocab], at the prompt's last position.
Tensor last_logits(const RunContext& ctx, const HookedTransformer& model, const Prompt& prompt) {
  return std::move(model.run(ctx, {prompt}, {.logits = Demand::At::kLastPosition}).values);
}

}  // namespace

std::int64_t NextToken::rank(TokenId id) const {
  check_index("next_token", "token", id, logits.size());
  return std::ranges::find(order, id) - order.begin() + 1;
}

NextToken next_token(const RunContext& ctx, const HookedTransformer& model, const Prompt& prompt) {
  const Tensor logits = last_logits(ctx, model, prompt);
  const std::int64_t d_vocab = logits.size();
  NextToken next{.logits = Tensor::copy_of(logits.view().reshaped({d_vocab})),
                 .probabilities = Tensor::uninitialized({d_vocab}),
                 .log_probabilities = Tensor::uninitialized({d_vocab}),
                 .order = std::vector<TokenId>(static_cast<std::size_t>(d_vocab))};
  softmax(ctx, logits, next.probabilities.view().reshaped(logits.shape()));
  log_softmax(ctx, logits, next.log_probabilities.view().reshaped(logits.shape()));
  std::iota(next.order.begin(), next.order.end(), 0);
  std::ranges::stable_sort(next.order, std::ranges::greater(),
                           [&](TokenId id) { return next.logits(id); });
  return next;
}

Generated generate(const RunContext& ctx, const HookedTransformer& model, Prompt prompt,
                   std::int64_t count) {
  const auto length = static_cast<std::int64_t>(prompt.size());
  const std::int64_t n_ctx = model.cfg().n_ctx;
  constexpr std::int64_t kMost = std::int64_t{1} << 40;  // so that sums are numbers
  if (count < 0 || count > kMost) {
    throw Error(
        ErrorKind::kUsage, "`generate`",
        fmt::format("{} tokens cannot be generated; ask for 0 or more, as many as the model "
                    "has positions",
                    count));
  }
  if (count > 0 && length + count - 1 > n_ctx) {
    throw Error(ErrorKind::kUsage, "`generate`",
                fmt::format("{} tokens after a prompt of {} need {} positions; {} reads at most {}",
                            count, length, length + count - 1, model.cfg().model_name, n_ctx));
  }
  Generated generated;
  while (static_cast<std::int64_t>(generated.tokens.size()) < count) {
    const Tensor logits = last_logits(ctx, model, prompt);
    const auto best =
        static_cast<TokenId>(std::ranges::max_element(logits.flat()) - logits.flat().begin());
    if (best == model.cfg().eos_token_id) {
      generated.stopped_at_eos = true;
      break;
    }
    generated.tokens.push_back(best);
    prompt.push_back(best);
  }
  return generated;
}

}  // namespace patchbay
