// The runs that one sweep draws on.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "patchbay/patching/kept_runs.h"
#include "patchbay/patching/recording.h"

namespace patchbay {

/// Hands out base runs and recordings within what the sweep's memory plan allows.
struct SweepRuns {
  const RunContext& ctx;
  const HookedTransformer& model;
  KeptRuns& kept;
  Keeps keeps;              ///< what is left for later questions
  std::int64_t most_bytes;  ///< that kept runs may take together

  /// A kept one, or a new one.
  [[nodiscard]] SharedRun base(const std::vector<Prompt>& prompts) const {
    if (auto known = kept.find(prompts)) return std::move(*known);
    return keeps == Keeps::kNothing ? new_base_run(ctx, model, prompts)
                                    : kept.add(ctx, model, prompts, most_bytes);
  }
  /// What is read of unpatched runs: from a base run that is kept or is to be, else recorded for
  /// this sweep alone.
  [[nodiscard]] Recording recording(const std::vector<Prompt>& prompts,
                                    const std::vector<HookName>& names,
                                    const Demand& demand = {.logits = Demand::At::kNowhere}) const {
    std::optional<SharedRun> shared;
    const bool held = std::ranges::any_of(
        names, [&](const HookName& name) { return BaseRun::keeps(model.cfg(), name.point); });
    if (held) {
      shared = keeps == Keeps::kBothSides ? base(prompts) : kept.find(prompts);
    }
    return {ctx, model, prompts, names, shared, demand};
  }
};

}  // namespace patchbay
