// An experiment of one's own: how much of the answer is left when a layer's MLP puts out nothing.
// Prints: layer 0:
#include <algorithm>
#include <cstdio>

#include "patchbay/hub/load_model.h"
#include "patchbay/results/result_json.h"
#include "patchbay/tasks/task.h"

int main() {
  const patchbay::RunContext ctx;
  const patchbay::HookedTransformer model = patchbay::hub::load_model(ctx, "ioi-small");
  const patchbay::PromptSet prompts =
      patchbay::make_prompts(model, "ioi", {.prompts = 10, .seed = 1});

  // A table keeps a value for every cell and prompt; statistics, files and figures come from it.
  patchbay::EffectTable table;
  table.experiment = "without_mlp";
  table.metric = "logit_diff";
  table.direction = patchbay::Direction::kNoise;
  table.effect = patchbay::EffectKind::kPercentOfClean;
  table.axes = {{"layer", {}}, {"prompt", {}}};
  const auto nothing = [](patchbay::TensorView mlp_out, const patchbay::HookName&) {
    for (std::int64_t batch = 0; batch < mlp_out.shape()[0]; ++batch) {
      std::ranges::fill(mlp_out[batch].flat(), 0.0F);  // [batch, pos, d_model]
    }
  };
  const auto difference = [&](const patchbay::PromptPair& pair, const patchbay::Hooks& hooks) {
    const patchbay::Logits logits =
        model.run_with_hooks(ctx, {pair.clean}, hooks,
                             {.logits = patchbay::Demand::At::kLastPosition,
                              .tokens = {pair.answers[0], pair.wrongs[0]}});
    return static_cast<double>(logits.at(0, -1)[0]) - static_cast<double>(logits.at(0, -1)[1]);
  };
  for (std::size_t i = 0; i < prompts.pairs.size(); ++i) {
    table.axes[1].labels.push_back(std::to_string(i));
    table.baselines.clean.push_back(difference(prompts.pairs[i], {}));
  }
  for (int layer = 0; layer < model.cfg().n_layers; ++layer) {
    table.axes[0].labels.push_back(std::to_string(layer));
    const patchbay::HookName mlp_out = {patchbay::HookPoint::kMlpOut, layer};
    for (const patchbay::PromptPair& pair : prompts.pairs) {
      table.values.push_back(difference(pair, {{mlp_out, nothing}}));
    }
  }
  const auto cells = patchbay::summarize(table, table.effect, table.aggregate);
  for (std::size_t layer = 0; layer < cells.size(); ++layer) {
    std::printf("layer %zu: %+.1f %% (%+.1f ... %+.1f)\n", layer, cells[layer].value,
                cells[layer].low, cells[layer].high);
  }
  patchbay::write_json("without_mlp.json", table);  // patchbay report draws it
}
