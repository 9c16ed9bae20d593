#include "patchbay/patching/job.h"

namespace patchbay {

void give_input(const HookedTransformerConfig& cfg, const Piece& receiver,
                std::span<const float> row, Job& job) {
  const HookName input{info(receiver.name.point).input, receiver.name.layer};
  if (input == receiver.name) {
    job.give(input, receiver.position, 0, row);
    return;
  }
  const std::int64_t first = receiver.begin / cfg.d_head;
  for (std::int64_t head = first; head < first + receiver.count / cfg.d_head; ++head) {
    job.give(input, receiver.position, head * cfg.d_model, row);
  }
}

ReplayStart live_replay(const SharedRun& base, std::span<Job* const> jobs) {
  ReplayStart start;
  for (const Job* const job : jobs) {
    const auto sequence = static_cast<std::int32_t>(start.base_prompt.size());
    for (const Edit& edit : job->edits) {
      start.edits.add(edit.name, {{sequence, edit.position}, edit.begin, edit.values});
    }
    start.base_prompt.push_back(base.index[job->index]);
  }
  return start;
}

}  // namespace patchbay
