// What a sweep reads of its runs: which logits are demanded, and the metric of each.
#pragma once

#include <optional>
#include <vector>

#include "patchbay/patching/sweep.h"

namespace patchbay {

/// Throws kUsage for a sweep that cannot run on the model: no direction, places that are not there,
/// pairs without what the metric compares.
void check_sweep(const HookedTransformer& model, const Sweep& sweep);

/// The activations that a sweep patches, each once, in forward order.
std::vector<HookName> patched_names(const Sweep& sweep);

/// The sweep's embedding edits of prompts [first, last), numbered from 0.
RowEdits embedding_edits(const Sweep& sweep, std::int64_t first, std::int64_t last);

/// Variants whose value is the patched side's baseline in every prompt, bit for bit.
std::int64_t unchanged_variants(const Sweep& sweep, const SweepResult& result);

/// What a run of prompts [first, last) must produce for the metric.
Demand demand_of(const Sweep& sweep, std::int64_t first, std::int64_t last);

/// The metric of runs of prompts [first, last) of a sweep.
class Measurement {
 public:
  /// Runs what baselines need, but for the other side's logits where they are there already.
  Measurement(const RunContext& ctx, const HookedTransformer& model, const Sweep& sweep,
              const BaseRun& base, std::int64_t first, std::int64_t last,
              std::optional<Logits> other_logits = std::nullopt);

  /// As demand_of.
  [[nodiscard]] const Demand& demand() const { return demand_; }
  /// Appends these prompts' baselines.
  void add_baselines(Baselines& baselines) const;
  /// The metric of each sequence, a run of prompts[sequence] on the patched side.
  [[nodiscard]] std::vector<double> measure(const Logits& logits,
                                            const std::vector<std::int64_t>& prompts) const;

 private:
  [[nodiscard]] std::vector<double> measure(const Logits& logits,
                                            const std::vector<std::int64_t>& prompts,
                                            const Prompt& (Sides::*tokens)(std::int64_t)
                                                const) const;

  const RunContext& ctx_;
  const Sweep& sweep_;
  Sides sides_;
  std::int64_t first_;
  Demand demand_;
  Logits clean_;  // of all tokens at the last position, when the metric compares with them
  std::vector<double> base_;   // [prompt − first]
  std::vector<double> other_;  // [prompt − first]
};

}  // namespace patchbay
