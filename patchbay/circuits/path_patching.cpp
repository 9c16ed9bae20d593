// The engine of path patching. A step of a path is a replay in which heads are frozen by edits
// (frozen_run.h): no attention is computed, and a sender at one position is one row through the
// remaining MLPs. What receivers would read is taken from the stream of that replay, and becomes
// their input in the next one.
#include "patchbay/circuits/path_patching.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <utility>

#include "patchbay/circuits/edge_inputs.h"
#include "patchbay/circuits/frozen_run.h"
#include "patchbay/circuits/path_checks.h"
#include "patchbay/patching/measurement.h"
#include "patchbay/patching/memory_plan.h"

namespace patchbay {
namespace {

using enum HookPoint;

constexpr double kNoSuchPlace = std::numeric_limits<double>::quiet_NaN();

// One path in one prompt.
struct Job {
  std::int64_t path;
  std::int64_t prompt;
  std::vector<std::vector<Piece>> steps;  // pieces of the senders, of each group of receivers
  std::vector<Carrier> carriers;          // of the step at hand
};

// Where a receiver reads the stream.
HookPoint stream_of(HookPoint receiver) {
  switch (receiver) {
    case kQ:
    case kK:
    case kV:
      return kResidPre;
    case kMlpIn:
      return kResidMid;
    default:
      return receiver;
  }
}

// The MLP outputs of all blocks, where they are frozen.
std::vector<HookName> mlp_outputs(const HookedTransformerConfig& cfg, bool frozen) {
  std::vector<HookName> names;
  for (int layer = 0; frozen && layer < cfg.n_layers; ++layer) names.push_back({kMlpOut, layer});
  return names;
}

std::vector<HookName> recorded_names(const HookedTransformerConfig& cfg, const PathSweep& sweep) {
  std::vector<HookName> names = patched_names(sweep_of_senders(sweep));
  const std::vector<HookName> frozen = mlp_outputs(cfg, sweep.freeze_mlps);
  names.insert(names.end(), frozen.begin(), frozen.end());
  return names;
}

class Engine {
 public:
  Engine(const RunContext& ctx, const HookedTransformer& model, const PathSweep& sweep,
         const JournalPart& journal)
      : ctx_(ctx),
        model_(model),
        sweep_(sweep),
        senders_(sweep_of_senders(sweep)),
        journal_(journal),
        sides_{sweep.prompts, sweep.direction},
        memory_(ctx, model.cfg(), senders_, recorded_names(model.cfg(), sweep)),
        plan_(ctx, model, sides_, sweep.source, patched_names(senders_),
              memory_.prompts_at_once()) {}

  SweepResult run() {
    const std::int64_t prompts = sweep_.prompts.size();
    result_.values.assign(sweep_.paths.size() * static_cast<std::size_t>(prompts), kNoSuchPlace);
    total_ = std::ssize(result_.values);
    for (std::int64_t first = 0; first < prompts; first += memory_.prompts_at_once()) {
      run_prompts(first, std::min(prompts, first + memory_.prompts_at_once()));
    }
    result_.unchanged = unchanged_variants(senders_, result_);
    return std::move(result_);
  }

 private:
  // What is there for prompts [first, last).
  struct Runs {
    std::int64_t first;
    const BaseRun& base;
    const Measurement& measurement;
    const SourceValues& source;
    FrozenValues frozen;
    const EdgeInputs* edges;  // null: heads are frozen
  };

  void run_prompts(std::int64_t first, std::int64_t last) {
    std::vector<Prompt> prompts;
    for (std::int64_t i = first; i < last; ++i) prompts.push_back(sides_.base(i));
    std::vector<Job> jobs = open_jobs(first, last);
    memory_.announce(
        ctx_, prompts, jobs.size(), [&](std::size_t begin) { return batch_end(jobs, begin); },
        [&](std::size_t job) { return changed_rows(jobs[job]); });
    const BaseRun base = model_.base_run(ctx_, prompts);
    std::optional<SourceValues> values;
    std::optional<Logits> other;
    if (!jobs.empty()) {
      values.emplace(ctx_, model_, plan_, first, last, demand_of(senders_, first, last));
      other = values->take_other_logits();
    }
    const Measurement measurement(ctx_, model_, senders_, base, first, last, std::move(other));
    measurement.add_baselines(result_.baselines);
    if (jobs.empty()) return;
    const SourceValues& source = *values;
    RecordedRuns mlp_out;
    if (sweep_.freeze_mlps) {
      mlp_out = RecordedRuns(ctx_, model_, prompts, mlp_outputs(model_.cfg(), true));
    }
    std::optional<EdgeInputs> edges;
    if (sweep_.meaning != PathMeaning::kHeadsFrozen) edges.emplace(ctx_, model_, sweep_, base);
    const Runs runs{
        first,
        base,
        measurement,
        source,
        {model_.cfg(), base, sweep_.freeze_mlps ? &mlp_out : nullptr, sweep_.live_heads},
        edges ? &*edges : nullptr};
    for (std::size_t begin = 0; begin < jobs.size();) {
      const std::size_t end = batch_end(jobs, begin);
      run_batch(runs, std::span(jobs).subspan(begin, end - begin));
      begin = end;
    }
  }

  // What is not in the journal yet, in the order of the first block that changes.
  std::vector<Job> open_jobs(std::int64_t first, std::int64_t last) {
    std::vector<Job> jobs;
    for (std::int64_t path = 0; path < std::ssize(sweep_.paths); ++path) {
      for (std::int64_t prompt = first; prompt < last; ++prompt) {
        if (const auto finished = journal_.find(cell(path, prompt))) {
          result_.values[static_cast<std::size_t>(cell(path, prompt))] = *finished;
          ++done_;
          continue;
        }
        auto steps = pieces_of_path(model_.cfg(), sweep_.paths[static_cast<std::size_t>(path)],
                                    {std::ssize(sides_.base(prompt)), sides_.base_positions(prompt),
                                     plan_.source_positions(prompt)});
        if (!steps) {
          ++done_;
          continue;
        }
        jobs.push_back({path, prompt, std::move(*steps), {}});
      }
    }
    std::ranges::stable_sort(jobs, {}, [](const Job& job) {
      int layer = std::numeric_limits<int>::max();
      for (const Piece& piece : job.steps.front()) layer = std::min(layer, piece.name.layer);
      return layer;
    });
    return jobs;
  }

  std::size_t batch_end(const std::vector<Job>& jobs, std::size_t begin) const {
    return memory_.batch_end(begin, jobs.size(),
                             [&](std::size_t job) { return changed_rows(jobs[job]); });
  }

  // From the first row of a sender on, whatever feeds whom.
  [[nodiscard]] std::int64_t changed_rows(const Job& job) const {
    const bool from_other = sweep_.source.kind == SourceKind::kOtherRun;
    return sides_.changed_rows(job.prompt, job.steps.front(), from_other);
  }

  void run_batch(const Runs& runs, std::span<Job> jobs) {
    if (runs.edges != nullptr) {
      run_edges(runs, jobs);
      return;
    }
    for (Job& job : jobs) {
      for (const Piece& piece : job.steps.front()) {
        job.carriers.push_back(
            {piece.name, piece.position, piece.begin, runs.source.values(job.prompt, piece)});
      }
    }
    std::deque<std::vector<StreamRead>> received;  // what carriers point to
    for (std::size_t step = 1; step < jobs.front().steps.size(); ++step) {
      received.push_back(receive(runs, jobs, step));
      for (std::size_t i = 0; i < jobs.size(); ++i) {
        jobs[i].carriers =
            carriers_of(jobs[i].steps[step], static_cast<std::int32_t>(i), received.back());
      }
    }
    measure(runs, jobs, sweep_.paths[static_cast<std::size_t>(jobs.front().path)].to_logits);
    for (Job& job : jobs) job.carriers = {};
  }

  // What receivers get is known without a run, and everything after them is live.
  void run_edges(const Runs& runs, std::span<Job> jobs) {
    std::deque<std::vector<float>> rows;  // what carriers point to
    for (Job& job : jobs) {
      std::vector<std::span<const float>> new_values;
      for (const Piece& piece : job.steps.front()) {
        new_values.push_back(runs.source.values(job.prompt, piece));
      }
      const std::vector<Piece> receivers =
          job.steps.size() == 1 ? std::vector<Piece>() : job.steps.back();
      job.carriers = runs.edges->carriers(static_cast<std::int32_t>(job.prompt - runs.first),
                                          job.steps.front(), new_values, receivers, rows);
    }
    measure(runs, jobs, false);
    for (Job& job : jobs) job.carriers = {};
  }

  // One step: the stream that a group of receivers would read, heads being frozen.
  std::vector<StreamRead> receive(const Runs& runs, std::span<const Job> jobs, std::size_t step) {
    std::map<HookName, std::vector<Row>> rows;
    int last_layer = 0;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      for (const Piece& piece : jobs[i].steps[step]) {
        rows[{stream_of(piece.name.point), piece.name.layer}].push_back(
            {static_cast<std::int32_t>(i), piece.position});
        last_layer = std::max(last_layer, piece.name.layer);
      }
    }
    std::vector<StreamRead> reads;
    for (auto& [name, list] : rows) reads.push_back({name, RowSet(std::move(list)), {}});
    model_.replay_stream(ctx_, runs.base, start_of(runs, jobs, true, last_layer), reads);
    return reads;
  }

  std::vector<Carrier> carriers_of(const std::vector<Piece>& pieces, std::int32_t sequence,
                                   const std::vector<StreamRead>& reads) const {
    const HookedTransformerConfig& cfg = model_.cfg();
    std::vector<Carrier> carriers;
    for (const Piece& piece : pieces) {
      const HookName stream{stream_of(piece.name.point), piece.name.layer};
      const StreamRead& read = *std::ranges::find(reads, stream, &StreamRead::name);
      const auto row = read.values.view()[read.rows.find({sequence, piece.position})].flat();
      const HookName input{input_of(piece.name.point), piece.name.layer};
      if (input == piece.name) {
        carriers.push_back({input, piece.position, 0, row});
        continue;
      }
      const std::int64_t first = piece.begin / cfg.d_head;
      for (std::int64_t head = first; head < first + piece.count / cfg.d_head; ++head) {
        carriers.push_back({input, piece.position, head * cfg.d_model, row});
      }
    }
    return carriers;
  }

  ReplayStart start_of(const Runs& runs, std::span<const Job> jobs, bool frozen, int last_layer) {
    ReplayStart start;
    for (const Job& job : jobs) {
      const auto sequence = static_cast<std::int32_t>(start.base_prompt.size());
      const auto base_prompt = static_cast<std::int32_t>(job.prompt - runs.first);
      if (frozen) {
        add_frozen(runs.frozen, sequence, base_prompt, job.carriers, last_layer, start.edits);
      } else {
        add_carriers(sequence, job.carriers, start.edits);
      }
      start.base_prompt.push_back(base_prompt);
    }
    return start;
  }

  // The last step: to the logits.
  void measure(const Runs& runs, std::span<const Job> jobs, bool frozen) {
    const auto last_layer = static_cast<int>(model_.cfg().n_layers) - 1;
    std::vector<std::int64_t> prompts;
    for (const Job& job : jobs) prompts.push_back(job.prompt);
    const std::vector<double> values = runs.measurement.measure(
        model_.replay(ctx_, runs.base, start_of(runs, jobs, frozen, last_layer),
                      runs.measurement.demand()),
        prompts);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      const std::int64_t at = cell(jobs[i].path, jobs[i].prompt);
      result_.values[static_cast<std::size_t>(at)] = values[i];
      journal_.append(at, values[i]);
    }
    done_ += std::ssize(jobs);
    ctx_.report_progress(done_, total_);
  }

  [[nodiscard]] std::int64_t cell(std::int64_t path, std::int64_t prompt) const {
    return path * sweep_.prompts.size() + prompt;
  }

  const RunContext& ctx_;
  const HookedTransformer& model_;
  const PathSweep& sweep_;
  Sweep senders_;
  const JournalPart& journal_;
  Sides sides_;
  MemoryPlan memory_;
  SourcePlan plan_;
  SweepResult result_;
  std::int64_t done_ = 0;
  std::int64_t total_ = 0;
};

}  // namespace

SweepResult run_path_sweep(const RunContext& ctx, const HookedTransformer& model,
                           const PathSweep& sweep, const JournalPart& journal) {
  check_path_sweep(model, sweep);
  if (!can_replay(sweep)) return run_path_sweep_plainly(ctx, model, sweep, journal);
  return Engine(ctx, model, sweep, journal).run();
}

}  // namespace patchbay
