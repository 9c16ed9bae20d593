// What receivers of edges get in place of their own input, as replays take it.
#pragma once

#include <deque>
#include <vector>

#include "patchbay/circuits/frozen_run.h"
#include "patchbay/circuits/path_patching.h"
#include "patchbay/circuits/stream_change.h"

namespace patchbay {

class EdgeInputs {
 public:
  /// Records what the senders write, and linear receivers hold, in these prompts of a base run.
  EdgeInputs(const RunContext& ctx, const HookedTransformer& model, const PathSweep& sweep,
             const BaseRun& base);

  /// The inputs of one path in one prompt of the base run: `senders` are pieces and their new
  /// values; no receivers are the logits. Carriers point into `rows`.
  [[nodiscard]] std::vector<Carrier> carriers(std::int32_t base_prompt,
                                              const std::vector<Piece>& senders,
                                              const std::vector<std::span<const float>>& new_values,
                                              const std::vector<Piece>& receivers,
                                              std::deque<std::vector<float>>& rows) const;

 private:
  [[nodiscard]] std::span<const float> stream_row(const HookName& name, std::int32_t base_prompt,
                                                  std::int32_t position) const;

  const HookedTransformer& model_;
  PathMeaning meaning_;
  const BaseRun& base_;
  RecordedRuns written_;   // the senders' activations
  RecordedRuns received_;  // of linear paths: the receivers' queries, keys and values, and scales
};

}  // namespace patchbay
