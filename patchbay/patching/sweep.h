// A sweep: many interventions on every prompt of a set, and one number for each.
//
// run_sweep computes what an intervention changes and what the metric reads, with as many variants
// in one product as memory allows. run_sweep_plainly is its twin: whole passes with hooks, one
// variant of one prompt at a time. Both give the same bits.
#pragma once

#include <vector>

#include "patchbay/metrics/metric.h"
#include "patchbay/patching/source.h"
#include "patchbay/results/journal.h"

namespace patchbay {

struct Sweep {
  const PromptSet& prompts;
  Direction direction = Direction::kNoise;  ///< which run is patched; kNone is refused
  std::vector<Intervention> variants;
  Source source{};
  const metrics::Metric& metric;
  /// Noise added to the embeddings (hook_embed) of the patched run, before anything is patched
  /// (causal tracing, Meng et al. 2022): rows [d_model] by (prompt, position). May be empty.
  const RowEdits* embedding_edits = nullptr;
};

struct SweepResult {
  /// [variant, prompt] the metric after patching; NaN where a prompt has no such place.
  std::vector<double> values;
  /// [prompt] without patching; embedding edits are part of the patched side's.
  Baselines baselines;
  /// Variants whose value is the base's in every prompt, bit for bit.
  std::int64_t unchanged = 0;
};

/// Memory: base runs and source activations of as many prompts as half of ctx.max_memory() holds,
/// and variants in the rest. Finished values are kept in the journal, if there is one, and taken
/// from it. Throws kUsage for places that the model does not have and for a budget that does not
/// hold one prompt, kInterrupted when the context was cancelled.
SweepResult run_sweep(const RunContext& ctx, const HookedTransformer& model, const Sweep& sweep,
                      const JournalPart& journal = {});

SweepResult run_sweep_plainly(const RunContext& ctx, const HookedTransformer& model,
                              const Sweep& sweep);

}  // namespace patchbay
