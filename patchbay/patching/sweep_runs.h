// The runs that one sweep draws on.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "patchbay/patching/kept_runs.h"
#include "patchbay/patching/recording.h"

namespace patchbay {

/// Hands out base runs and recordings within what the sweep's memory plan allows.
struct SweepRuns {
  const RunContext& ctx;
  const HookedTransformer& model;
  KeptRuns& kept;
  bool share;               ///< whether base runs of both sides of all prompts fit
  std::int64_t most_bytes;  ///< that kept runs may take together

  [[nodiscard]] SharedRun base(const std::vector<Prompt>& prompts) const {
    return kept.of(ctx, model, prompts, most_bytes);
  }
  /// What is read of unpatched runs: from base runs where both sides' fit, so that later questions
  /// find them, else recorded for this sweep alone.
  [[nodiscard]] Recording recording(const std::vector<Prompt>& prompts,
                                    const std::vector<HookName>& names,
                                    const Demand& demand = {.logits = Demand::At::kNowhere}) const {
    const bool held = share && std::ranges::any_of(names, [&](const HookName& name) {
                        return BaseRun::keeps(model.cfg(), name.point);
                      });
    return {ctx, model, prompts, names, held ? std::optional(base(prompts)) : std::nullopt, demand};
  }
};

}  // namespace patchbay
