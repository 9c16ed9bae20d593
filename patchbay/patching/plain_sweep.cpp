// The engine's twin: every variant of every prompt is a whole pass of its own, with a hook for
// every piece. Slow and obvious; tests hold the engine to its bits.
#include <limits>

#include "patchbay/patching/measurement.h"
#include "patchbay/patching/sweep.h"

namespace patchbay {
namespace {

HookFunction write_piece(const Piece& piece, std::span<const float> values) {
  return [piece, values](TensorView activation, const HookName& name) {
    const ConstTensorView row = activation[0];
    float* to = activation[0].data();
    if (is_attention(name.point)) {  // [batch, head_index, query_pos, key_pos]
      const std::int64_t pos = row.shape()[2];
      to += (piece.begin / pos * pos + piece.position) * pos + piece.begin % pos;
    } else {  // [batch, pos, …]
      to += piece.position * row.shape().tail().size() + piece.begin;
    }
    std::ranges::copy(values, to);
  };
}

Hooks embedding_hooks(const RowEdits& edits) {
  Hooks hooks;
  for (const auto& [name, list] : edits.entries()) {
    for (const RowEdit& edit : list) {
      hooks.add(name, [edit](TensorView activation, const HookName&) {
        std::ranges::copy(edit.values, activation[0][edit.row.position].data() + edit.begin);
      });
    }
  }
  return hooks;
}

}  // namespace

SweepResult run_sweep_plainly(const RunContext& ctx, const HookedTransformer& model,
                              const Sweep& sweep) {
  check_sweep(model, sweep);
  const Sides sides{sweep.prompts, sweep.direction};
  const std::int64_t prompts = sweep.prompts.size();
  const SourcePlan plan(ctx, model, sides, sweep.source, patched_names(sweep), 1);
  SweepResult result;
  result.values.assign(sweep.variants.size() * static_cast<std::size_t>(prompts),
                       std::numeric_limits<double>::quiet_NaN());
  for (std::int64_t prompt = 0; prompt < prompts; ++prompt) {
    const RowEdits edits = embedding_edits(sweep, prompt, prompt + 1);
    const BaseRun base = model.base_run(ctx, {sides.base(prompt)}, edits);
    const Measurement measurement(ctx, model, sweep, base, prompt, prompt + 1);
    measurement.add_baselines(result.baselines);
    const SourceValues source(ctx, model, plan, prompt, prompt + 1);
    for (std::size_t variant = 0; variant < sweep.variants.size(); ++variant) {
      const auto pieces = pieces_of(model.cfg(), sweep.variants[variant],
                                    {static_cast<std::int64_t>(sides.base(prompt).size()),
                                     sides.base_positions(prompt), plan.source_positions(prompt)});
      if (!pieces) continue;
      Hooks hooks = embedding_hooks(edits);
      for (const Piece& piece : *pieces) {
        hooks.add(piece.name, write_piece(piece, source.values(prompt, piece)));
      }
      const Logits logits = model.run_with_hooks(
          ctx, {sides.base(prompt)}, hooks,
          {.logits = measurement.demand().logits, .tokens = measurement.demand().tokens});
      result
          .values[variant * static_cast<std::size_t>(prompts) + static_cast<std::size_t>(prompt)] =
          measurement.measure(logits, {prompt})[0];
    }
  }
  result.unchanged = unchanged_variants(sweep, result);
  return result;
}

}  // namespace patchbay
