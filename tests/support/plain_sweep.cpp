// The twin of activation patching: every variant of every prompt is a whole pass of its own, with a
// hook for every piece.
#include <limits>

#include "tests/support/plain_runs.h"

namespace patchbay {
namespace {

Hooks embedding_hooks(const RowEdits* edits, std::int64_t prompt) {
  Hooks hooks;
  if (edits == nullptr) return hooks;
  for (const auto& [name, list] : edits->entries()) {
    for (const RowEdit& edit : list) {
      if (edit.row.sequence != prompt) continue;
      hooks.add(name, [edit](TensorView activation, const HookName&) {
        std::ranges::copy(edit.values, activation[0][edit.row.position].data() + edit.begin);
      });
    }
  }
  return hooks;
}

}  // namespace

SweepResult run_sweep_plainly(const RunContext& ctx, const HookedTransformer& model,
                              const PromptSet& prompts, const Sweep& sweep) {
  const PlainRuns runs(ctx, model, prompts, sweep.direction, sweep.source, sweep.metric);
  const auto n = static_cast<std::size_t>(prompts.size());
  SweepResult result;
  result.values.assign(sweep.variants.size() * n, std::numeric_limits<double>::quiet_NaN());
  for (std::int64_t prompt = 0; prompt < prompts.size(); ++prompt) {
    runs.add_baselines(prompt, embedding_hooks(sweep.embedding_edits, prompt), result.baselines);
    for (std::size_t variant = 0; variant < sweep.variants.size(); ++variant) {
      const auto pieces = pieces_of(model.cfg(), sweep.variants[variant], runs.positions(prompt));
      if (!pieces) continue;
      const std::vector<Written> values = runs.source_values(prompt, *pieces);
      Hooks hooks = embedding_hooks(sweep.embedding_edits, prompt);
      add_writes(values, hooks);
      result.values[variant * n + static_cast<std::size_t>(prompt)] =
          runs.measure(runs.run(prompt, hooks), prompt, true);
    }
  }
  result.unchanged = count_unchanged(result, sweep.direction);
  return result;
}

}  // namespace patchbay
