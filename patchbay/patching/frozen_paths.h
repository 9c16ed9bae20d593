// Paths through frozen heads, one group of receivers after the other (Wang et al. 2022, appendix
// B).
//
// A step is a replay in which heads are frozen by edits (frozen_run.h): no attention is computed,
// and a sender at one position is one row through the remaining MLPs. What receivers would read is
// taken from the stream of that replay, and becomes their input in the next one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "patchbay/patching/frozen_run.h"
#include "patchbay/patching/job.h"
#include "patchbay/patching/path_patching.h"
#include "patchbay/patching/sweep_runs.h"

namespace patchbay {

/// The names of all MLPs' outputs; of the scales that frozen norms have.
std::vector<HookName> mlp_outputs(const HookedTransformerConfig& cfg);
std::vector<HookName> norm_scales(const HookedTransformerConfig& cfg);

/// Whether norms have the scales of the prompts that are not patched.
bool has_other_norms(const PathSweep& sweep);

class FrozenPaths {
 public:
  /// Of prompts [first, last), whose base run is `base`. All that is passed must outlive it.
  FrozenPaths(const SweepRuns& runs, const PathSweep& sweep, const Sides& sides,
              const SharedRun& base, std::int64_t first, std::int64_t last);

  /// Follows the jobs, whose edits are the senders' new values, through all groups of receivers,
  /// and gives the replay that leads to the logits.
  [[nodiscard]] ReplayStart follow(std::span<Job* const> jobs) const;

 private:
  void receive(std::span<Job* const> jobs, std::size_t step) const;
  [[nodiscard]] ReplayStart frozen_replay(std::span<Job* const> jobs, int last_layer) const;
  void freeze_final_norm(std::span<Job* const> jobs, ReplayStart& start) const;
  [[nodiscard]] bool is_read_itself(HookPoint receiver) const;
  [[nodiscard]] HookName read_at(const Piece& receiver) const;

  const SweepRuns& runs_;
  const PathSweep& sweep_;
  const SharedRun& base_;
  std::optional<Recording> mlp_out_;  // of frozen MLPs
  std::optional<Recording> scales_;   // of frozen norms
  bool other_scales_ = false;         // of the side that is not patched
};

}  // namespace patchbay
