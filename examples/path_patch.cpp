// Patches the paths from two heads to the logits, everything else held (Wang et al. 2022, appendix
// B). Prints: 1.2 -> logits
#include <cstdio>

#include "patchbay/experiments/path_patching.h"
#include "patchbay/hub/load_model.h"
#include "patchbay/results/statistics.h"
#include "patchbay/tasks/task.h"

int main() {
  const patchbay::RunContext ctx;
  const patchbay::HookedTransformer model = patchbay::hub::load_model(ctx, "ioi-small");
  const patchbay::PromptSet prompts =
      patchbay::make_prompts(model, "ioi", {.prompts = 20, .seed = 1});

  patchbay::Session session(ctx, model, prompts);
  const patchbay::EffectTable table =
      run(session, patchbay::experiments::PathPatching{.sender = {{1, 2}, {2, 1}},  // heads
                                                       .sender_position = {"END"},
                                                       .receiver = {"logits"}});

  const auto cells = patchbay::summarize(table, patchbay::EffectKind::kPercentOfClean,
                                         patchbay::Aggregate::kRatioOfMeans);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    std::printf("%s -> logits: %+.1f %% of the clean logit difference\n",
                table.axes[0].labels[i].c_str(), cells[i].value);
  }
}
