// One replay of a sweep: a path in a prompt.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "patchbay/model/base_run.h"
#include "patchbay/patching/intervention.h"
#include "patchbay/patching/kept_runs.h"
#include "patchbay/results/cell_key.h"

namespace patchbay {

struct Job {
  std::int64_t path = 0;
  std::int64_t prompt = 0;
  std::size_t index = 0;                  // of the prompt in the group that runs together
  std::vector<std::vector<Piece>> steps;  // pieces of the senders, of each group of receivers
  CellKey key{};
  // While its batch runs:
  std::vector<Edit> edits;                  // what the next replay is given
  std::vector<std::vector<float>> written;  // values that were computed for them

  /// The senders' pieces; those of the last receivers, none for the logits.
  [[nodiscard]] const std::vector<Piece>& senders() const { return steps.front(); }
  [[nodiscard]] std::span<const Piece> receivers(std::size_t step) const {
    return step < steps.size() ? std::span<const Piece>(steps[step]) : std::span<const Piece>();
  }
  /// Keeps a copy of the values as an edit.
  void give(const HookName& name, std::int32_t position, std::int64_t begin,
            std::span<const float> values) {
    const auto& copy = written.emplace_back(values.begin(), values.end());
    edits.push_back({name, position, begin, copy});
  }
};

/// Gives a receiver a row of the stream, [d_model], as its input: each of its heads of queries,
/// keys or values for itself, else the receiver's own place.
void give_input(const HookedTransformerConfig& cfg, const Piece& receiver,
                std::span<const float> row, Job& job);

/// A replay of the jobs, each a sequence, with nothing but their edits: everything after them is
/// live.
ReplayStart live_replay(const SharedRun& base, std::span<Job* const> jobs);

}  // namespace patchbay
