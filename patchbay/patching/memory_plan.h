// How much of a sweep runs at once, so that its activations stay within the context's memory.
#pragma once

#include <cstdint>
#include <vector>

#include "patchbay/patching/sweep.h"

namespace patchbay {

/// Base runs and source activations of as many prompts as half the memory holds, and replays in
/// what is left.
class MemoryPlan {
 public:
  /// More rows in one product are no faster, and progress and cancellation wait longer.
  static constexpr std::int64_t kMostRows = 4096;

  /// Throws kUsage when the memory does not hold the longest prompt.
  MemoryPlan(const RunContext& ctx, const HookedTransformerConfig& cfg, const Sweep& sweep,
             const std::vector<HookName>& names);

  [[nodiscard]] std::int64_t prompts_at_once() const { return prompts_at_once_; }
  /// For the replays that run side by side.
  [[nodiscard]] std::int64_t batch_bytes() const { return batch_bytes_; }
  /// What the replay of one sequence takes at most.
  [[nodiscard]] std::int64_t replay_bytes(std::int64_t length) const {
    return length * row_bytes_ + logit_bytes_;
  }

 private:
  std::int64_t row_bytes_;    // of one row of a replay
  std::int64_t logit_bytes_;  // of one sequence's logits
  std::int64_t prompts_at_once_;
  std::int64_t batch_bytes_;
};

}  // namespace patchbay
