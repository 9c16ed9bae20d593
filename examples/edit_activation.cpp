// Changes one activation while the model runs: a head put out of action.
// Prints: without head 1.2
#include <algorithm>
#include <cstdio>

#include "patchbay/hub/load_model.h"

int main() {
  const patchbay::RunContext ctx;
  const patchbay::HookedTransformer model = patchbay::hub::load_model(ctx, "ioi-small");
  const patchbay::Prompt tokens =
      model.to_tokens("Then, Mary and John went to the store. John gave a drink to", false);
  const patchbay::TokenId mary = model.tokenizer().to_single_token(" Mary");
  const patchbay::TokenId john = model.tokenizer().to_single_token(" John");

  // The logits of two tokens at the last position are all that has to be computed.
  const patchbay::Demand demand = {.logits = patchbay::Demand::At::kLastPosition,
                                   .tokens = {mary, john}};
  const auto difference = [&](const patchbay::Hooks& hooks) {
    const patchbay::Logits logits = model.run_with_hooks(ctx, {tokens}, hooks, demand);
    const auto last = logits.at(0, -1);
    return static_cast<double>(last[0]) - static_cast<double>(last[1]);
  };

  // A hook gets a view of the activation, here z [batch, pos, head_index, d_head], and may write to
  // it.
  const auto knock_out = [](patchbay::TensorView z, const patchbay::HookName&) {
    for (std::int64_t pos = 0; pos < z.shape()[1]; ++pos)
      std::ranges::fill(z[0][pos][2].flat(), 0.0F);
  };
  std::printf("logit difference %+.3f\n", difference({}));
  std::printf("without head 1.2 %+.3f\n", difference({{"blocks.1.attn.hook_z", knock_out}}));
}
