// The engine: every variant of every prompt is a replay from the prompt's base run, and many of
// them share each product. What a replay leaves out is decided row by row in the model
// (model/changed_rows.cpp); here variants are put side by side.
#include "patchbay/patching/sweep.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "patchbay/patching/measurement.h"
#include "patchbay/patching/memory_plan.h"

namespace patchbay {
namespace {

constexpr double kNoSuchPlace = std::numeric_limits<double>::quiet_NaN();

// One replay: a variant of a prompt.
struct Job {
  std::int64_t variant;
  std::int64_t prompt;
  std::vector<Piece> pieces;
  int first_layer;
};

class Engine {
 public:
  Engine(const RunContext& ctx, const HookedTransformer& model, const Sweep& sweep,
         const JournalPart& journal)
      : ctx_(ctx),
        model_(model),
        sweep_(sweep),
        journal_(journal),
        sides_{sweep.prompts, sweep.direction},
        names_(patched_names(sweep)),
        memory_(ctx, model.cfg(), sweep, names_),
        plan_(ctx, model, sides_, sweep.source, names_, memory_.prompts_at_once()) {}

  SweepResult run() {
    const std::int64_t prompts = sweep_.prompts.size();
    result_.values.assign(sweep_.variants.size() * static_cast<std::size_t>(prompts), kNoSuchPlace);
    total_ = static_cast<std::int64_t>(result_.values.size());
    for (std::int64_t first = 0; first < prompts; first += memory_.prompts_at_once()) {
      run_prompts(first, std::min(prompts, first + memory_.prompts_at_once()));
    }
    result_.unchanged = unchanged_variants(sweep_, result_);
    return std::move(result_);
  }

 private:
  // Prompts [first, last) with all variants.
  void run_prompts(std::int64_t first, std::int64_t last) {
    std::vector<Prompt> prompts;
    for (std::int64_t i = first; i < last; ++i) prompts.push_back(sides_.base(i));
    const std::vector<Job> jobs = open_jobs(first, last);
    memory_.announce(
        ctx_, prompts, jobs.size(), [&](std::size_t begin) { return batch_end(jobs, begin); },
        [&](std::size_t job) { return changed_rows(jobs[job]); });
    const BaseRun base = model_.base_run(ctx_, prompts, embedding_edits(sweep_, first, last));
    std::optional<SourceValues> values;
    std::optional<Logits> other;
    if (!jobs.empty()) {
      values.emplace(ctx_, model_, plan_, first, last, demand_of(sweep_, first, last));
      other = values->take_other_logits();
    }
    const Measurement measurement(ctx_, model_, sweep_, base, first, last, std::move(other));
    measurement.add_baselines(result_.baselines);
    if (jobs.empty()) return;
    const SourceValues& source = *values;
    for (std::size_t begin = 0; begin < jobs.size();) {
      const std::size_t end = batch_end(jobs, begin);
      replay(base, measurement, source, std::span(jobs).subspan(begin, end - begin), first);
      begin = end;
    }
  }

  // What is not in the journal yet, in the order of the first block that changes: variants that
  // share blocks share products.
  std::vector<Job> open_jobs(std::int64_t first, std::int64_t last) {
    std::vector<Job> jobs;
    for (std::int64_t variant = 0; variant < std::ssize(sweep_.variants); ++variant) {
      for (std::int64_t prompt = first; prompt < last; ++prompt) {
        if (const auto finished = journal_.find(cell(variant, prompt))) {
          value(variant, prompt) = *finished;
          ++done_;
          continue;
        }
        auto pieces = pieces_of(model_.cfg(), sweep_.variants[static_cast<std::size_t>(variant)],
                                {static_cast<std::int64_t>(sides_.base(prompt).size()),
                                 sides_.base_positions(prompt), plan_.source_positions(prompt)});
        if (!pieces) {
          ++done_;
          continue;
        }
        int layer = std::numeric_limits<int>::max();
        for (const Piece& piece : *pieces) layer = std::min(layer, piece.name.layer);
        jobs.push_back({variant, prompt, std::move(*pieces), layer});
      }
    }
    std::ranges::stable_sort(jobs, {}, &Job::first_layer);
    return jobs;
  }

  [[nodiscard]] std::int64_t changed_rows(const Job& job) const {
    // Noise on its embeddings parts the base run from the other where their prompts are alike.
    const bool from_other =
        sweep_.source.kind == SourceKind::kOtherRun && sweep_.embedding_edits == nullptr;
    return sides_.changed_rows(job.prompt, job.pieces, from_other);
  }

  std::size_t batch_end(const std::vector<Job>& jobs, std::size_t begin) const {
    return memory_.batch_end(begin, jobs.size(), [&](std::size_t job) {
      return static_cast<std::int64_t>(sides_.base(jobs[job].prompt).size());
    });
  }

  void replay(const BaseRun& base, const Measurement& measurement, const SourceValues& source,
              std::span<const Job> jobs, std::int64_t first) {
    ReplayStart start;
    std::vector<std::int64_t> prompts;
    for (const Job& job : jobs) {
      const auto sequence = static_cast<std::int32_t>(start.base_prompt.size());
      for (const Piece& piece : job.pieces) {
        start.edits.add(
            piece.name,
            {{sequence, piece.position}, piece.begin, source.values(job.prompt, piece)});
      }
      start.base_prompt.push_back(static_cast<std::int32_t>(job.prompt - first));
      prompts.push_back(job.prompt);
    }
    const std::vector<double> values =
        measurement.measure(model_.replay(ctx_, base, start, measurement.demand()), prompts);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      value(jobs[i].variant, jobs[i].prompt) = values[i];
      journal_.append(cell(jobs[i].variant, jobs[i].prompt), values[i]);
    }
    done_ += std::ssize(jobs);
    ctx_.report_progress(done_, total_);
  }

  [[nodiscard]] std::int64_t cell(std::int64_t variant, std::int64_t prompt) const {
    return variant * sweep_.prompts.size() + prompt;
  }
  double& value(std::int64_t variant, std::int64_t prompt) {
    return result_.values[static_cast<std::size_t>(cell(variant, prompt))];
  }

  const RunContext& ctx_;
  const HookedTransformer& model_;
  const Sweep& sweep_;
  const JournalPart& journal_;
  Sides sides_;
  std::vector<HookName> names_;  // that are patched
  MemoryPlan memory_;
  SourcePlan plan_;
  SweepResult result_;
  std::int64_t done_ = 0;
  std::int64_t total_ = 0;
};

}  // namespace

SweepResult run_sweep(const RunContext& ctx, const HookedTransformer& model, const Sweep& sweep,
                      const JournalPart& journal) {
  check_sweep(model, sweep);
  return Engine(ctx, model, sweep, journal).run();
}

}  // namespace patchbay
