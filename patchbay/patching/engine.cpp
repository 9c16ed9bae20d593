// Every path of every prompt is a replay from the prompt's base run, and many of them share each
// product. What a replay leaves out is decided row by row in the model (model/changed_rows.cpp);
// here replays are put side by side, and what is known already is left out.
#include "patchbay/patching/engine.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "patchbay/patching/edge_inputs.h"
#include "patchbay/patching/frozen_paths.h"
#include "patchbay/patching/job.h"
#include "patchbay/patching/memory_plan.h"
#include "patchbay/patching/metric_reader.h"
#include "patchbay/patching/path_checks.h"
#include "patchbay/patching/sweep_keys.h"

namespace patchbay {
namespace {

constexpr double kNoSuchPlace = std::numeric_limits<double>::quiet_NaN();

using Side = MetricReader::Side;

// What is recorded beside the senders' source: what frozen components and edges are made of.
std::vector<HookName> own_names(const HookedTransformerConfig& cfg, const PathSweep& sweep) {
  std::vector<HookName> names;
  const auto add = [&](const std::vector<HookName>& more) {
    names.insert(names.end(), more.begin(), more.end());
  };
  if (sweep.freeze_mlps) add(mlp_outputs(cfg));
  if (sweep.norms != NormScale::kLive) add(norm_scales(cfg));
  if (is_edge(sweep.meaning)) add(edge_names(sweep));
  return names;
}

// Of each prompt, as many rows of the patched run as are the source's, from position 0 on. Noise on
// its embeddings parts the patched run from the other one before their prompts differ.
std::vector<std::int64_t> rows_alike(const Sides& sides, const PathSweep& sweep) {
  std::vector<std::int64_t> alike(sides.prompts.pairs.size(), 0);
  if (sweep.source.kind != SourceKind::kOtherRun) return alike;
  for (std::size_t i = 0; i < alike.size(); ++i) {
    alike[i] = sides.tokens_alike(static_cast<std::int64_t>(i));
  }
  if (sweep.embedding_edits == nullptr) return alike;
  for (const auto& [name, list] : sweep.embedding_edits->entries()) {
    for (const RowEdit& edit : list) {
      std::int64_t& own = alike[static_cast<std::size_t>(edit.row.sequence)];
      own = std::min<std::int64_t>(own, edit.row.position);
    }
  }
  return alike;
}

class Engine {
 public:
  Engine(const Asked& asked, const PathSweep& sweep)
      : ctx_(asked.ctx),
        model_(asked.model),
        asked_(asked),
        sweep_(sweep),
        sides_{asked.prompts, sweep.direction},
        source_(sides_, sweep.source, sender_names(sweep)),
        memory_(ctx_, model_.cfg(),
                {.sides = sides_,
                 .source = sweep.source.kind,
                 .reads = sweep.metric.reads,
                 .names = source_.names(),
                 .own_names = own_names(model_.cfg(), sweep),
                 .means = source_.size_of_means(model_.cfg()),
                 .own_base = sweep.embedding_edits != nullptr,
                 .is_last = asked.is_last}),
        runs_{ctx_, model_, asked.runs, memory_.keeps(),
              memory_.most_kept() -
                  source_.make_room(memory_.most_kept() - memory_.own_kept(), asked.means)},
        keys_(sides_, sweep, source_),
        alike_(rows_alike(sides_, sweep)),
        has_other_(asked.prompts.has_corrupted()) {}

  SweepResult run() {
    const std::int64_t prompts = asked_.prompts.size();
    result_.values.assign(sweep_.paths.size() * static_cast<std::size_t>(prompts), kNoSuchPlace);
    std::vector<double>& clean = result_.baselines.clean;
    std::vector<double>& corrupted = result_.baselines.corrupted;
    clean.assign(static_cast<std::size_t>(prompts), kNoSuchPlace);
    corrupted = clean;
    total_ = std::ssize(result_.values);
    use_kept_runs();
    asked_.runs.make_room(runs_.most_bytes);
    for (std::int64_t first = 0; first < prompts; first += memory_.prompts_at_once()) {
      run_group(first, std::min(prompts, first + memory_.prompts_at_once()));
    }
    result_.unchanged = unchanged_paths();
    if (!has_other_) corrupted.clear();
    return std::move(result_);
  }

 private:
  // What is kept of both sides was used last then, and is not what has to go.
  void use_kept_runs() {
    std::vector<Prompt> base;
    std::vector<Prompt> other;
    for (std::int64_t i = 0; i < asked_.prompts.size(); ++i) {
      base.push_back(sides_.base(i));
      other.push_back(sides_.other(i));
    }
    if (has_other_) (void)asked_.runs.find(other);
    (void)asked_.runs.find(base);
  }

  // Prompts [first, last) with all paths.
  void run_group(std::int64_t first, std::int64_t last) {
    std::vector<Job> jobs = open_jobs(first, last);
    const bool are_known = find_baselines(first, last);
    if (are_known && jobs.empty()) return;
    const auto reached = [&](std::size_t job) { return rows_reached(jobs[job]); };
    // Rows that are edited are there for a while even where they come out as they were.
    const auto rows = [&](std::size_t job) {
      return sweep_.meaning == PathMeaning::kEverything
                 ? std::int64_t{std::ssize(sides_.base(jobs[job].prompt))}
                 : reached(job);
    };
    std::vector<Prompt> prompts;
    for (std::int64_t i = first; i < last; ++i) prompts.push_back(sides_.base(i));
    memory_.announce(ctx_, first, last, jobs.size(), rows, reached, asked_.runs);
    MetricReader reader(ctx_, sweep_.metric, sides_, first, last);
    const SharedRun base = base_run(prompts, first, last);
    std::optional<SourceValues> values;
    if (!jobs.empty()) {
      source_.prepare(runs_, memory_.prompts_at_once(), asked_.means);
      values.emplace(runs_, source_, first, last, reader.demand());
    }
    if (!are_known || sweep_.metric.needs_clean) {
      measure_baselines(base, values, first, last, reader);
    }
    std::optional<FrozenPaths> frozen;
    std::optional<EdgeInputs> edges;
    if (!jobs.empty() && sweep_.meaning == PathMeaning::kHeadsFrozen) {
      frozen.emplace(runs_, sweep_, sides_, base, first, last);
    }
    if (!jobs.empty() && is_edge(sweep_.meaning)) edges.emplace(runs_, sweep_, base, prompts);
    for (std::size_t begin = 0; begin < jobs.size();) {
      const std::size_t end = memory_.batch_end(begin, jobs.size(), rows);
      const std::span<Job> batch = std::span(jobs).subspan(begin, end - begin);
      std::vector<Job*> pointers;
      for (Job& job : batch) {
        pointers.push_back(&job);
        give_source(*values, job);
      }
      if (edges) edges->follow(pointers);
      const ReplayStart start = frozen ? frozen->follow(pointers) : live_replay(base, pointers);
      finish(batch, reader, model_.replay(ctx_, *base.run, start, reader.demand()));
      begin = end;
    }
  }

  [[nodiscard]] SharedRun base_run(const std::vector<Prompt>& prompts, std::int64_t first,
                                   std::int64_t last) const {
    if (sweep_.embedding_edits == nullptr) return runs_.base(prompts);
    RowEdits edits;  // of this sweep alone, so nobody else could share the run
    for (const auto& [name, list] : sweep_.embedding_edits->entries()) {
      for (RowEdit edit : list) {
        if (edit.row.sequence < first || edit.row.sequence >= last) continue;
        edit.row.sequence -= static_cast<std::int32_t>(first);
        edits.add(name, edit);
      }
    }
    SharedRun own{std::make_shared<const BaseRun>(model_.base_run(ctx_, prompts, edits)), {}};
    own.index.resize(prompts.size());
    std::iota(own.index.begin(), own.index.end(), 0);
    return own;
  }

  // What the store does not have yet, in the order of the first block that changes: replays that
  // share blocks share products.
  std::vector<Job> open_jobs(std::int64_t first, std::int64_t last) {
    std::vector<Job> jobs;
    for (std::int64_t path = 0; path < std::ssize(sweep_.paths); ++path) {
      for (std::int64_t prompt = first; prompt < last; ++prompt) {
        auto steps = pieces_of_path(model_.cfg(), sweep_.paths[static_cast<std::size_t>(path)],
                                    {std::ssize(sides_.base(prompt)), sides_.base_positions(prompt),
                                     source_.source_positions(prompt)});
        if (!steps) {
          ++done_;
          continue;
        }
        const CellKey key = keys_.of(prompt, path, *steps);
        const std::optional<double> finished = asked_.store.find(key);
        if (finished) value(path, prompt) = *finished;
        const bool is_here = asked_.shard.has(key.low);
        if (finished || !is_here) {
          ++done_;
          continue;
        }
        const auto index = static_cast<std::size_t>(prompt - first);
        jobs.push_back({path, prompt, index, std::move(*steps), key, {}, {}});
      }
    }
    std::ranges::stable_sort(jobs, {}, [](const Job& job) {
      int layer = std::numeric_limits<int>::max();
      for (const Piece& piece : job.senders()) layer = std::min(layer, piece.name.layer);
      return layer;
    });
    return jobs;
  }

  // The other side is not there where a prompt has no corrupted one.
  [[nodiscard]] std::vector<Side> sides_measured() const {
    return has_other_ ? std::vector{Side::kBase, Side::kOther} : std::vector{Side::kBase};
  }

  double& baseline(std::int64_t prompt, Side side) {
    const bool clean = (sweep_.direction == Direction::kNoise) == (side == Side::kBase);
    std::vector<double>& values = clean ? result_.baselines.clean : result_.baselines.corrupted;
    return values[static_cast<std::size_t>(prompt)];
  }

  // Whether all of them are in the store.
  bool find_baselines(std::int64_t first, std::int64_t last) {
    bool all = true;
    for (const Side side : sides_measured()) {
      for (std::int64_t prompt = first; prompt < last; ++prompt) {
        const auto finished = asked_.store.find(keys_.baseline(prompt, side == Side::kBase));
        if (finished) baseline(prompt, side) = *finished;
        all = all && finished.has_value();
      }
    }
    return all;
  }

  void measure_baselines(const SharedRun& base, std::optional<SourceValues>& values,
                         std::int64_t first, std::int64_t last, MetricReader& reader) {
    ReplayStart nothing;
    nothing.base_prompt = base.index;
    Logits own = model_.replay(ctx_, *base.run, nothing, reader.demand());
    Logits other;
    if (has_other_) other = other_logits(values, first, last, reader.demand());
    if (sweep_.metric.needs_clean) {
      reader.set_clean(sweep_.direction == Direction::kDenoise ? other : own);
    }
    std::vector<std::int64_t> prompts(static_cast<std::size_t>(last - first));
    std::iota(prompts.begin(), prompts.end(), first);
    for (const Side side : sides_measured()) {
      const auto measured = reader.read(side == Side::kBase ? own : other, side, prompts);
      for (std::size_t i = 0; i < prompts.size(); ++i) {
        baseline(prompts[i], side) = measured[i];
        asked_.store.add(keys_.baseline(prompts[i], side == Side::kBase), measured[i]);
      }
    }
  }

  // Of the other side's runs: from the pass that recorded them, from a run that is kept, or from
  // one of its own.
  [[nodiscard]] Logits other_logits(std::optional<SourceValues>& values, std::int64_t first,
                                    std::int64_t last, const Demand& demand) const {
    if (values) {
      if (auto logits = values->take_other_logits()) return std::move(*logits);
    }
    std::vector<Prompt> others;
    for (std::int64_t i = first; i < last; ++i) others.push_back(sides_.other(i));
    if (const auto kept = asked_.runs.find(others)) {
      ReplayStart nothing;
      nothing.base_prompt = kept->index;
      return model_.replay(ctx_, *kept->run, nothing, demand);
    }
    return model_.run(ctx_, others, demand);
  }

  // From the first row of a sender or a receiver on; norms of the other side change every row.
  [[nodiscard]] std::int64_t rows_reached(const Job& job) const {
    const std::int64_t length = std::ssize(sides_.base(job.prompt));
    if (has_other_norms(sweep_)) return length;
    std::int64_t first = length;
    for (std::size_t step = 1; step < job.steps.size(); ++step) {
      for (const Piece& piece : job.steps[step]) {
        first = std::min<std::int64_t>(first, piece.position);
      }
    }
    return std::max(length - first,
                    sides_.rows_reached(job.prompt, job.senders(),
                                        alike_[static_cast<std::size_t>(job.prompt)]));
  }

  static void give_source(const SourceValues& values, Job& job) {
    for (const Piece& piece : job.senders()) {
      job.edits.push_back(
          {piece.name, piece.position, piece.begin, values.values(job.prompt, piece)});
    }
  }

  void finish(std::span<Job> jobs, const MetricReader& reader, const Logits& logits) {
    std::vector<std::int64_t> prompts;
    for (const Job& job : jobs) prompts.push_back(job.prompt);
    const std::vector<double> values = reader.read(logits, Side::kBase, prompts);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      value(jobs[i].path, prompts[i]) = values[i];
      asked_.store.add(jobs[i].key, values[i]);
      jobs[i].edits = {};
      jobs[i].written = {};
    }
    done_ += std::ssize(jobs);
    ctx_.report_progress(done_, total_);
  }

  [[nodiscard]] std::int64_t unchanged_paths() const {
    const std::vector<double>& base = sweep_.direction == Direction::kDenoise
                                          ? result_.baselines.corrupted
                                          : result_.baselines.clean;
    const auto same = [](double a, double b) {
      return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
    };
    std::int64_t unchanged = 0;
    for (std::size_t path = 0; path < sweep_.paths.size(); ++path) {
      const auto own = std::span(result_.values).subspan(path * base.size(), base.size());
      if (std::ranges::equal(own, base, same)) ++unchanged;
    }
    return unchanged;
  }

  double& value(std::int64_t path, std::int64_t prompt) {
    return result_.values[static_cast<std::size_t>(path * asked_.prompts.size() + prompt)];
  }

  const RunContext& ctx_;
  const HookedTransformer& model_;
  const Asked& asked_;
  const PathSweep& sweep_;
  Sides sides_;
  SourcePlan source_;
  MemoryPlan memory_;
  SweepRuns runs_;
  SweepKeys keys_;
  std::vector<std::int64_t> alike_;  // [prompt]
  bool has_other_;                   // whether every pair has a corrupted prompt
  SweepResult result_;
  std::int64_t done_ = 0;
  std::int64_t total_ = 0;
};

}  // namespace

SweepResult ask(const Asked& asked, const PathSweep& sweep) { return Engine(asked, sweep).run(); }

}  // namespace patchbay
