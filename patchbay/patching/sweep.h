// A sweep: many interventions on every prompt of a session, and one number for each.
#pragma once

#include <vector>

#include "patchbay/metrics/metric.h"
#include "patchbay/patching/source.h"
#include "patchbay/results/effect_table.h"

namespace patchbay {

struct Sweep {
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
  /// [prompt] without patching; embedding edits are part of the patched side's. No corrupted ones
  /// where a pair has no corrupted prompt.
  Baselines baselines;
  /// Variants whose value is the base's in every prompt, bit for bit.
  std::int64_t unchanged = 0;
};

/// Throws kUsage for a sweep that cannot run on the model: no direction, no prompts, places that
/// are not there; kBadData for pairs without what the metric compares, and without a corrupted
/// prompt where the direction or the source reads it.
void check_sweep(const HookedTransformer& model, const PromptSet& prompts, const Sweep& sweep);

}  // namespace patchbay
