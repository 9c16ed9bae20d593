// Activations of prompts of any lengths, kept for patching.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/model/hooked_transformer.h"
#include "patchbay/patching/kept_runs.h"

namespace patchbay {

class Recording {
 public:
  Recording() = default;
  /// The activations of these names: from `shared`, if it is there, those that a base run keeps,
  /// and from a pass of their own all others. The pass runs every prompt once, in groups of equal
  /// length, and gives what is demanded too.
  Recording(const RunContext& ctx, const HookedTransformer& model,
            const std::vector<Prompt>& prompts, const std::vector<HookName>& names,
            const std::optional<SharedRun>& shared = std::nullopt,
            const Demand& demand = {.logits = Demand::At::kNowhere});

  /// `count` elements from `begin` on of one row, laid out as a RowEdit's; a piece of attention
  /// lies within one head. Valid as long as the recording.
  [[nodiscard]] std::span<const float> values(const HookName& name, std::int64_t prompt,
                                              std::int32_t position, std::int64_t begin,
                                              std::int64_t count) const;
  /// What was demanded, by the prompts' own numbers, once; nothing when no pass was needed.
  [[nodiscard]] std::optional<Logits> take_logits() { return std::exchange(logits_, std::nullopt); }

 private:
  struct Seat {
    std::size_t group;
    std::int64_t index;  // in the group's batch
    std::int64_t length;
  };
  void run(const RunContext& ctx, const HookedTransformer& model,
           const std::vector<Prompt>& prompts, const std::vector<HookName>& names,
           const Demand& demand);

  std::optional<SharedRun> shared_;
  std::map<HookName, const Tensor*> held_;  // by the shared run
  std::vector<ActivationCache> groups_;
  std::vector<Seat> seats_;  // [prompt]
  std::optional<Logits> logits_;
};

}  // namespace patchbay
