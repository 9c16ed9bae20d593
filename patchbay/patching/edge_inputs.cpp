#include "patchbay/patching/edge_inputs.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "patchbay/hooks/stream_order.h"
#include "patchbay/patching/path_checks.h"

namespace patchbay {

using enum HookPoint;

std::vector<HookName> edge_names(const PathSweep& sweep) {
  const std::vector<HookName> senders = sender_names(sweep);
  std::set<HookName> names(senders.begin(), senders.end());
  for (const Path& path : sweep.paths) {
    if (sweep.meaning != PathMeaning::kLinear) break;
    for (const Intervention& group : path.receivers) {
      for (const Place& place : group) {
        names.insert({place.site, place.layer});
        names.insert({kLn1Scale, place.layer});
      }
    }
  }
  return {names.begin(), names.end()};
}

EdgeInputs::EdgeInputs(const SweepRuns& runs, const PathSweep& sweep, const SharedRun& base,
                       const std::vector<Prompt>& prompts)
    : runs_(runs),
      cfg_(runs.model.cfg()),
      meaning_(sweep.meaning),
      base_(base),
      recorded_(runs.ctx, runs.model, prompts, edge_names(sweep), base) {}

void EdgeInputs::follow(std::span<Job* const> jobs) const {
  std::vector<Edge> edges;
  std::set<HookName> stages;
  for (Job* const job : jobs) {
    edges.push_back(edge_of(*job));
    for (const Piece& end : edges.back().ends) stages.insert(stage_of(end));
    if (meaning_ != PathMeaning::kEdge) continue;
    for (const Piece& sender : job->senders()) stages.insert(sender.name);
  }
  for (const HookName& stage : stages) {
    if (meaning_ == PathMeaning::kEdge) read_senders(stage, edges);
    give_receivers(stage, edges);
  }
}

EdgeInputs::Edge EdgeInputs::edge_of(Job& job) const {
  Edge edge{.job = &job, .before = {}, .after = {}, .ends = {}};
  for (std::size_t i = 0; i < job.senders().size(); ++i) {
    const Piece& piece = job.senders()[i];
    const auto before = recorded_.values(piece.name, static_cast<std::int64_t>(job.index),
                                         piece.position, piece.begin, piece.count);
    const auto after = job.edits[i].values;
    edge.before.emplace_back(before.begin(), before.end());
    edge.after.emplace_back(after.begin(), after.end());
  }
  job.edits.clear();
  find_changes(edge);
  const auto receivers = job.receivers(1);
  edge.ends.assign(receivers.begin(), receivers.end());
  if (job.steps.size() == 1) {  // to the logits: wherever something changes
    std::set<std::int32_t> positions;
    for (const Piece& piece : job.senders()) positions.insert(piece.position);
    for (const std::int32_t position : positions) {
      edge.ends.push_back({{kResidPost, static_cast<int>(cfg_.n_layers) - 1}, position});
    }
  }
  return edge;
}

void EdgeInputs::find_changes(Edge& edge) const {
  edge.changes.clear();
  for (std::size_t i = 0; i < edge.before.size(); ++i) {
    edge.changes.push_back(stream_change(cfg_, runs_.model.weights(), edge.job->senders()[i],
                                         edge.before[i], edge.after[i]));
  }
}

// What senders of this name write in the run as it is, where something was given before.
void EdgeInputs::read_senders(const HookName& stage, std::span<Edge> edges) const {
  std::vector<Job*> jobs;
  std::vector<std::vector<Piece>> pieces;
  std::vector<Edge*> readers;
  for (Edge& edge : edges) {
    std::vector<Piece> own;
    for (const Piece& sender : edge.job->senders()) {
      if (sender.name == stage) own.push_back(sender);
    }
    if (own.empty() || edge.job->edits.empty()) continue;
    jobs.push_back(edge.job);
    pieces.push_back(std::move(own));
    readers.push_back(&edge);
  }
  if (jobs.empty()) return;
  const std::vector<RowRead> reads = read(jobs, pieces);
  for (std::size_t sequence = 0; sequence < readers.size(); ++sequence) {
    Edge& edge = *readers[sequence];
    for (std::size_t i = 0; i < edge.before.size(); ++i) {
      const Piece& sender = edge.job->senders()[i];
      if (sender.name != stage) continue;
      const std::int64_t row =
          reads[0].rows.find({static_cast<std::int32_t>(sequence), sender.position});
      const auto now = reads[0].values.view()[row].flat();
      std::ranges::copy(now.subspan(static_cast<std::size_t>(sender.begin),
                                    static_cast<std::size_t>(sender.count)),
                        edge.before[i].begin());
    }
    find_changes(edge);
  }
}

void EdgeInputs::give_receivers(const HookName& stage, std::span<Edge> edges) const {
  struct Receiving {
    Edge* edge;
    std::vector<Piece> ends;
    std::int32_t sequence;  // of the replay that reads what was given before; −1: nothing was
  };
  std::vector<Receiving> all;
  std::vector<Job*> fed;
  std::vector<std::vector<Piece>> pieces;
  for (Edge& edge : edges) {
    std::vector<Piece> own;
    for (const Piece& end : edge.ends) {
      if (stage_of(end) == stage) own.push_back(end);
    }
    if (own.empty()) continue;
    std::int32_t sequence = -1;
    if (!edge.job->edits.empty()) {
      sequence = static_cast<std::int32_t>(fed.size());
      fed.push_back(edge.job);
      pieces.push_back(own);
    }
    all.push_back({&edge, std::move(own), sequence});
  }
  const std::vector<RowRead> reads = fed.empty() ? std::vector<RowRead>() : read(fed, pieces);
  for (const auto& [edge, ends, sequence] : all) {
    for (const Piece& end : ends) {
      const HookName name = read_at(end);
      if (sequence < 0) {
        give(end, edge->changes, base_row(name, *edge->job, end.position), *edge->job);
        continue;
      }
      const RowRead& found = *std::ranges::find(reads, name, &RowRead::name);
      const std::int64_t row = found.rows.find({sequence, end.position});
      give(end, edge->changes, found.values.view()[row].flat(), *edge->job);
    }
  }
}

// The rows that these pieces lie in, as they are in a replay of what the jobs were given.
std::vector<RowRead> EdgeInputs::read(const std::vector<Job*>& jobs,
                                      const std::vector<std::vector<Piece>>& pieces) const {
  std::map<HookName, std::vector<Row>> rows;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    for (const Piece& piece : pieces[i]) {
      rows[read_at(piece)].push_back({static_cast<std::int32_t>(i), piece.position});
    }
  }
  std::vector<RowRead> reads;
  for (auto& [name, list] : rows) {
    reads.push_back({name, RowSet(std::move(list))});
  }
  runs_.model.replay_rows(runs_.ctx, *base_.run, live_replay(base_, jobs), reads);
  return reads;
}

// Gives a receiver its input with the senders' change, where `current` is the row that it reads.
void EdgeInputs::give(const Piece& end, const std::vector<StreamChange>& changes,
                      std::span<const float> current, Job& job) const {
  const int order = stream_order(cfg_, end.name);
  if (meaning_ != PathMeaning::kLinear) {
    std::vector<float> row(current.begin(), current.end());
    add_changes(changes, order, end.position, row);
    give_input(cfg_, end, row, job);
    return;
  }
  std::vector<float> change(static_cast<std::size_t>(cfg_.d_model));
  add_changes(changes, order, end.position, change);
  const float scale = base_row({kLn1Scale, end.name.layer}, job, end.position)[0];
  const auto own =
      current.subspan(static_cast<std::size_t>(end.begin), static_cast<std::size_t>(end.count));
  std::vector<float> piece(own.begin(), own.end());
  add_projection(runs_.model.weights().blocks[static_cast<std::size_t>(end.name.layer)], end,
                 change, scale, piece);
  job.give(end.name, end.position, end.begin, piece);
}

// Where in forward order a receiver is given its input; queries, keys and values together.
HookName EdgeInputs::stage_of(const Piece& end) const {
  const bool of_head = info(end.name.point).input != end.name.point;
  if (!of_head) return end.name;
  return {meaning_ == PathMeaning::kLinear ? kQ : kQInput, end.name.layer};
}

// The activation whose rows a piece is read in: of a receiver the stream before its input, except
// that a change is added to linear receivers themselves.
HookName EdgeInputs::read_at(const Piece& piece) const {
  if (meaning_ == PathMeaning::kLinear) return piece.name;
  return {stream_read_by(cfg_, piece.name.point), piece.name.layer};
}

std::span<const float> EdgeInputs::base_row(const HookName& name, const Job& job,
                                            std::int32_t position) const {
  if (const Tensor* const rows = base_.run->find(cfg_, name)) {
    return rows->view()[base_.run->row(base_.index[job.index], position)].flat();
  }
  return recorded_.values(name, static_cast<std::int64_t>(job.index), position, 0,
                          row_width(cfg_, name, 1));
}

}  // namespace patchbay
