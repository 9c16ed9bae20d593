// Activations of prompts of any lengths, kept for patching.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/model/hooked_transformer.h"

namespace patchbay {

class RecordedRuns {
 public:
  RecordedRuns() = default;
  /// Runs the prompts in groups of equal length, and keeps these activations.
  RecordedRuns(const RunContext& ctx, const HookedTransformer& model,
               const std::vector<Prompt>& prompts, const std::vector<HookName>& names,
               const Demand& demand = {.logits = Demand::At::kNowhere});

  /// `count` elements from `begin` on of one row, laid out as a RowEdit's; a piece of attention
  /// lies within one head.
  [[nodiscard]] std::span<const float> values(const HookName& name, std::int64_t prompt,
                                              std::int32_t position, std::int64_t begin,
                                              std::int64_t count) const;
  /// What was demanded, by the prompts' own numbers; once.
  [[nodiscard]] Logits take_logits();

 private:
  struct Seat {
    std::size_t group;
    std::int64_t index;  // in the group's batch
    std::int64_t length;
  };
  std::vector<ActivationCache> groups_;
  std::vector<Logits> logits_;  // [group]
  std::vector<Seat> seats_;     // [prompt]
};

}  // namespace patchbay
