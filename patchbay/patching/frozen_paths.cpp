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
  if (cfg.attn_only) return names;
  for (int layer = 0; layer < cfg.n_layers; ++layer) names.push_back({kMlpOut, layer});
  return names;
}

std::vector<HookName> norm_scales(const HookedTransformerConfig& cfg) {
  std::vector<HookName> names;
  for (const HookName& name : hook_names(cfg)) {
    if (info(name.point).scales_stream) names.push_back(name);
  }
  return names;
}

bool has_other_norms(const PathSweep& sweep) {
  if (sweep.norms == NormScale::kLive) return false;
  return (sweep.norms == NormScale::kClean) != (sweep.direction == Direction::kNoise);
}

FrozenPaths::FrozenPaths(const SweepRuns& runs, const PathSweep& sweep, const Sides& sides,
                         const SharedRun& base, std::int64_t first, std::int64_t last)
    : runs_(runs), sweep_(sweep), base_(base) {
  std::vector<Prompt> prompts;
  std::vector<Prompt> others;
  for (std::int64_t i = first; i < last; ++i) {
    prompts.push_back(sides.base(i));
    others.push_back(sides.other(i));
  }
  const std::vector<HookName> mlps = mlp_outputs(runs.model.cfg());
  if (sweep.freeze_mlps && !mlps.empty()) {
    mlp_out_.emplace(runs.ctx, runs.model, prompts, mlps, base);
  }
  if (sweep.norms == NormScale::kLive) return;
  other_scales_ = has_other_norms(sweep);
  scales_.emplace(runs.recording(other_scales_ ? others : prompts, norm_scales(runs.model.cfg())));
}

ReplayStart FrozenPaths::follow(std::span<Job* const> jobs) const {
  for (std::size_t step = 1; step < jobs.front()->steps.size(); ++step) receive(jobs, step);
  if (!sweep_.paths[static_cast<std::size_t>(jobs.front()->path)].to_logits) {
    return live_replay(base_, jobs);
  }
  ReplayStart start = frozen_replay(jobs, static_cast<int>(runs_.model.cfg().n_layers) - 1);
  if (scales_) freeze_final_norm(jobs, start);
  return start;
}

// One step: receivers get what they would read of the stream, heads being frozen, as their input,
// or themselves where their input is not all that decides them.
void FrozenPaths::receive(std::span<Job* const> jobs, std::size_t step) const {
  std::map<HookName, std::vector<Row>> rows;
  int last_layer = 0;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    for (const Piece& piece : jobs[i]->steps[step]) {
      rows[read_at(piece)].push_back({static_cast<std::int32_t>(i), piece.position});
      last_layer = std::max(last_layer, piece.name.layer);
    }
  }
  std::vector<RowRead> reads;
  for (auto& [name, list] : rows) reads.push_back({name, RowSet(std::move(list))});
  runs_.model.replay_rows(runs_.ctx, *base_.run, frozen_replay(jobs, last_layer), reads);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    Job& job = *jobs[i];
    job.edits.clear();
    for (const Piece& piece : job.steps[step]) {
      const RowRead& read = *std::ranges::find(reads, read_at(piece), &RowRead::name);
      const std::int64_t row = read.rows.find({static_cast<std::int32_t>(i), piece.position});
      const auto values = read.values.view()[row].flat();
      if (is_read_itself(piece.name.point)) {
        job.give(piece.name, piece.position, piece.begin,
                 values.subspan(static_cast<std::size_t>(piece.begin),
                                static_cast<std::size_t>(piece.count)));
      } else {
        give_input(runs_.model.cfg(), piece, values, job);
      }
    }
  }
}

// Single neurons, and queries, keys and values behind a norm with a frozen scale.
bool FrozenPaths::is_read_itself(HookPoint receiver) const {
  const HookPointInfo& of = info(receiver);
  return of.unit() == Unit::kNeuron || (scales_ && of.stream == StreamUse::kReadByAttn);
}

HookName FrozenPaths::read_at(const Piece& receiver) const {
  if (is_read_itself(receiver.name.point)) return receiver.name;
  return {stream_read_by(runs_.model.cfg(), receiver.name.point), receiver.name.layer};
}

ReplayStart FrozenPaths::frozen_replay(std::span<Job* const> jobs, int last_layer) const {
  const FrozenValues frozen{.cfg = runs_.model.cfg(),
                            .base = base_,
                            .mlp_out = mlp_out_ ? &*mlp_out_ : nullptr,
                            .live_heads = sweep_.live_heads,
                            .scales = scales_ ? &*scales_ : nullptr,
                            .other_scales = other_scales_};
  ReplayStart start;
  for (const Job* const job : jobs) {
    add_frozen(frozen, static_cast<std::int32_t>(start.base_prompt.size()), job->index, job->edits,
               last_layer, start.edits);
    start.base_prompt.push_back(base_.index[job->index]);
  }
  return start;
}

void FrozenPaths::freeze_final_norm(std::span<Job* const> jobs, ReplayStart& start) const {
  const HookName name{kLnFinalScale};
  if (!name.is_in(runs_.model.cfg())) return;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const std::size_t index = jobs[i]->index;
    const auto prompt = static_cast<std::size_t>(base_.index[index]);
    const auto length = static_cast<std::int32_t>(base_.run->prompts[prompt].size());
    for (std::int32_t position = 0; position < length; ++position) {
      start.edits.add(name,
                      {{static_cast<std::int32_t>(i), position},
                       0,
                       scales_->values(name, static_cast<std::int64_t>(index), position, 0, 1)});
    }
  }
}

}  // namespace patchbay
