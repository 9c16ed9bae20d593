// How much of a sweep runs at once, so that its activations stay within the context's memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/metrics/metric.h"
#include "patchbay/patching/kept_runs.h"
#include "patchbay/patching/source.h"

namespace patchbay {

/// Means, then base runs and source activations of as many prompts as half of what is left holds,
/// and replays in the rest. A sweep of all prompts at once leaves its base runs for later
/// questions, those of the other side too where both fit; one that needs several groups of prompts
/// leaves none, since each group would drop what the next question begins with.
class MemoryPlan {
 public:
  /// More rows in one product are no faster, and progress and cancellation wait longer.
  static constexpr std::int64_t kMostRows = 4096;

  /// What a sweep reads.
  struct Needs {
    Sides sides;
    SourceKind source;
    metrics::Reads reads;
    std::vector<HookName> names;      ///< of its source
    std::vector<HookName> own_names;  ///< recorded of the patched side, where base runs lack them
    std::int64_t means = 0;           ///< how many numbers the means of its source are
    bool own_base = false;  ///< its patched runs begin with edits, so no other sweep has them
    bool is_last = false;   ///< no question follows, so nothing is left for one
  };
  /// Throws kUsage when the memory does not hold the longest prompt.
  MemoryPlan(const RunContext& ctx, const HookedTransformerConfig& cfg, Needs needs);

  [[nodiscard]] std::int64_t prompts_at_once() const { return prompts_at_once_; }
  [[nodiscard]] Keeps keeps() const { return keeps_; }
  /// Bytes that kept base runs, those of this sweep among them, and means of other sweeps may take
  /// together.
  [[nodiscard]] std::int64_t most_kept() const { return most_kept_; }
  /// Bytes of it that this sweep's own base runs take at most.
  [[nodiscard]] std::int64_t own_kept() const { return own_kept_; }
  /// Where the batch that begins with replay `begin` of `replays` ends: as many as memory and
  /// kMostRows let run side by side, but one at least. `rows(i)` are those of replay i.
  template <typename Rows>
  [[nodiscard]] std::size_t batch_end(std::size_t begin, std::size_t replays,
                                      const Rows& rows) const {
    std::int64_t bytes = 0;
    std::int64_t total = 0;
    std::size_t end = begin;
    for (; end < replays; ++end) {
      const std::int64_t own = rows(end);
      bytes += replay_bytes(own);
      total += own;
      if (end > begin && (bytes > batch_bytes_ || total > kMostRows)) break;
    }
    return end;
  }

  /// Tells the context what prompts [first, last) take beside the base runs that are kept, with the
  /// largest batch of `replays`. Of the rows of replay i `reached(i)` may come out differently.
  template <typename Rows, typename RowsReached>
  void announce(const RunContext& ctx, std::int64_t first, std::int64_t last, std::size_t replays,
                const Rows& rows, const RowsReached& reached, const KeptRuns& kept) const {
    if (replays == 0) return;
    std::int64_t largest = 0;
    for (std::size_t begin = 0; begin < replays;) {
      const std::size_t end = batch_end(begin, replays, rows);
      std::int64_t reached_rows = 0;
      for (std::size_t i = begin; i < end; ++i) reached_rows += reached(i);
      largest = std::max(largest, pass_bytes(reached_rows, static_cast<std::int64_t>(end - begin)));
      begin = end;
    }
    ctx.report_memory_plan(planned_bytes(first, last, largest, kept));
  }

 private:
  /// What is held of base runs, sources and means, and what the largest pass needs while it runs: a
  /// base run, a recording, or the largest batch, which takes `batch`. Less what is kept of it.
  [[nodiscard]] std::int64_t planned_bytes(std::int64_t first, std::int64_t last,
                                           std::int64_t batch, const KeptRuns& kept) const;
  /// What a pass of so many rows and sequences takes at once: a half of its largest block, or, when
  /// the blocks are over, its logits.
  [[nodiscard]] std::int64_t pass_bytes(std::int64_t rows, std::int64_t sequences) const;
  /// What is set aside for the replay of one sequence: half as much again as its rows take, because
  /// an allocator keeps what lies between tensors that pass after pass ask for in other sizes.
  [[nodiscard]] std::int64_t replay_bytes(std::int64_t length) const {
    return length * row_bytes_ * 3 / 2 + logit_bytes_;
  }

  Needs needs_;
  bool reads_other_;  // whether the source runs the other side
  bool held_;         // whether a base run has something of what is read
  std::int64_t d_model_;
  std::int64_t base_bytes_;          // of one token of what a base run has
  std::int64_t recorded_bytes_ = 0;  // and of what is recorded of a source
  std::int64_t own_bytes_;           // and of the patched side
  std::int64_t row_bytes_;           // of one row of a replay
  std::int64_t logit_bytes_;         // of the longest sequence's logits
  Keeps keeps_ = Keeps::kNothing;
  std::int64_t prompts_at_once_ = 0;
  std::int64_t most_kept_ = 0;
  std::int64_t own_kept_ = 0;
  std::int64_t batch_bytes_ = 0;  // for the replays that run side by side
};

}  // namespace patchbay
