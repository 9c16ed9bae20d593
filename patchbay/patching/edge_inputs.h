// What receivers of edges get in place of their own input, as replays take it.
//
// The first receiver of a group needs no run to know what it gets: what senders write instead, less
// what they write, is a row that is added to its input. A later one may be fed by it, so its input
// is read in a replay of what was given until then, hook by hook in forward order.
#pragma once

#include <span>
#include <vector>

#include "patchbay/patching/job.h"
#include "patchbay/patching/path_patching.h"
#include "patchbay/patching/stream_change.h"
#include "patchbay/patching/sweep_runs.h"

namespace patchbay {

/// The activations of the patched side that edges are made of.
std::vector<HookName> edge_names(const PathSweep& sweep);

class EdgeInputs {
 public:
  /// Of jobs whose prompts' base run is `base`. Records what the senders write, and what linear
  /// receivers hold. All that is passed must outlive it.
  EdgeInputs(const SweepRuns& runs, const PathSweep& sweep, const SharedRun& base,
             const std::vector<Prompt>& prompts);

  /// Turns the jobs' edits, which are the senders' new values, into what their receivers get; no
  /// receivers are the logits.
  void follow(std::span<Job* const> jobs) const;

 private:
  // A job while it is followed.
  struct Edge {
    Job* job;
    std::vector<std::vector<float>> before;  // [sender] what it writes in the run as it is
    std::vector<std::vector<float>> after;   // [sender]
    std::vector<StreamChange> changes{};     // what the stream gets instead
    std::vector<Piece> ends;
  };
  [[nodiscard]] Edge edge_of(Job& job) const;
  void find_changes(Edge& edge) const;
  void read_senders(const HookName& stage, std::span<Edge> edges) const;
  void give_receivers(const HookName& stage, std::span<Edge> edges) const;
  [[nodiscard]] std::vector<RowRead> read(const std::vector<Job*>& jobs,
                                          const std::vector<std::vector<Piece>>& pieces) const;
  void give(const Piece& end, const std::vector<StreamChange>& changes,
            std::span<const float> current, Job& job) const;
  [[nodiscard]] HookName stage_of(const Piece& end) const;
  [[nodiscard]] HookName read_at(const Piece& piece) const;
  [[nodiscard]] std::span<const float> base_row(const HookName& name, const Job& job,
                                                std::int32_t position) const;

  const SweepRuns& runs_;
  const HookedTransformerConfig& cfg_;
  PathMeaning meaning_;
  const SharedRun& base_;
  Recording recorded_;  // senders; of linear paths also queries, keys and values, and ln1's scales
};

}  // namespace patchbay
