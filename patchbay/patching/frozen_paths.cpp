#include "patchbay/patching/frozen_paths.h"

#include <algorithm>
#include <map>
#include <utility>

#include "patchbay/hooks/stream_order.h"

namespace patchbay {
namespace {

using enum HookPoint;

}  // namespace

std::vector<HookName> mlp_outputs(const HookedTransformerConfig& cfg) {
  std::vector<HookName> names;
  for (int layer = 0; layer < cfg.n_layers; ++layer) names.push_back({kMlpOut, layer});
  return names;
}

FrozenPaths::FrozenPaths(const SweepRuns& runs, const PathSweep& sweep, const Sides& sides,
                         const SharedRun& base, std::int64_t first, std::int64_t last)
    : runs_(runs), sweep_(sweep), base_(base) {
  if (!sweep.freeze_mlps) return;
  std::vector<Prompt> prompts;
  for (std::int64_t i = first; i < last; ++i) prompts.push_back(sides.base(i));
  mlp_out_.emplace(runs.recording(prompts, mlp_outputs(runs.model.cfg())));
}

ReplayStart FrozenPaths::follow(std::span<Job* const> jobs) const {
  for (std::size_t step = 1; step < jobs.front()->steps.size(); ++step) receive(jobs, step);
  if (!sweep_.paths[static_cast<std::size_t>(jobs.front()->path)].to_logits) {
    return live_replay(base_, jobs);
  }
  return frozen_replay(jobs, static_cast<int>(runs_.model.cfg().n_layers) - 1);
}

// One step: receivers get what they would read of the stream, heads being frozen, as their input.
void FrozenPaths::receive(std::span<Job* const> jobs, std::size_t step) const {
  std::map<HookName, std::vector<Row>> rows;
  int last_layer = 0;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    for (const Piece& piece : jobs[i]->steps[step]) {
      rows[{stream_read_by(runs_.model.cfg(), piece.name.point), piece.name.layer}].push_back(
          {static_cast<std::int32_t>(i), piece.position});
      last_layer = std::max(last_layer, piece.name.layer);
    }
  }
  std::vector<StreamRead> reads;
  for (auto& [name, list] : rows) reads.push_back({name, RowSet(std::move(list)), {}});
  runs_.model.replay_stream(runs_.ctx, *base_.run, frozen_replay(jobs, last_layer), reads);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    Job& job = *jobs[i];
    job.edits.clear();
    for (const Piece& piece : job.steps[step]) {
      const HookName stream{stream_read_by(runs_.model.cfg(), piece.name.point), piece.name.layer};
      const StreamRead& read = *std::ranges::find(reads, stream, &StreamRead::name);
      const std::int64_t row = read.rows.find({static_cast<std::int32_t>(i), piece.position});
      give_input(runs_.model.cfg(), piece, read.values.view()[row].flat(), job);
    }
  }
}

ReplayStart FrozenPaths::frozen_replay(std::span<Job* const> jobs, int last_layer) const {
  const FrozenValues frozen{runs_.model.cfg(), base_, mlp_out_ ? &*mlp_out_ : nullptr,
                            sweep_.live_heads};
  ReplayStart start;
  for (const Job* const job : jobs) {
    add_frozen(frozen, static_cast<std::int32_t>(start.base_prompt.size()), job->index, job->edits,
               last_layer, start.edits);
    start.base_prompt.push_back(base_.index[job->index]);
  }
  return start;
}

}  // namespace patchbay
