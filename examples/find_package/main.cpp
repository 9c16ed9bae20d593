// Knocks out every attention head in turn and prints how far a logit difference moves.
//
// Usage: logit_difference MODEL
#include <algorithm>
#include <cstdio>
#include <exception>

#include "patchbay/hub/load_model.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: logit_difference MODEL\n", stderr);
    return 2;
  }
  try {
    const patchbay::RunContext ctx;
    const patchbay::HookedTransformer model = patchbay::hub::load_model(ctx, argv[1]);
    const std::vector<patchbay::Prompt> prompts = {{17, 42, 5, 99, 42}};
    const patchbay::Demand demand = {.logits = patchbay::Demand::At::kLastPosition,
                                     .tokens = {5, 17}};
    const auto difference = [&](const patchbay::Hooks& hooks) {
      const patchbay::Logits logits = model.run_with_hooks(ctx, prompts, hooks, demand);
      const auto last = logits.at(0, -1);
      return static_cast<double>(last[0]) - static_cast<double>(last[1]);
    };
    const double clean = difference({});
    std::printf("clean %+.4f\n", clean);
    for (int layer = 0; layer < model.cfg().n_layers; ++layer) {
      for (std::int64_t head = 0; head < model.cfg().n_heads; ++head) {
        const auto knock_out = [head](patchbay::TensorView z, const patchbay::HookName&) {
          for (std::int64_t position = 0; position < z.shape()[1]; ++position) {
            std::ranges::fill(z[0][position][head].flat(), 0.0F);  // z [batch, pos, head, d_head]
          }
        };
        const patchbay::HookName z = {patchbay::HookPoint::kZ, layer};
        std::printf("without %d.%lld  %+.4f\n", layer, static_cast<long long>(head),
                    difference({{z, knock_out}}) - clean);
      }
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
