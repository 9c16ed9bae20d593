// Path patching (Wang et al. 2022, appendix B, and what else the field calls so): what senders say
// to receivers along chosen paths. The receivers are the logits, or the queries, keys and values of
// heads, MLPs, neurons or the residual stream of a block, one group after the other.
#include "patchbay/patching/path_patching.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "patchbay/base/error.h"
#include "patchbay/experiments/columns_common.h"
#include "patchbay/experiments/path_nodes_common.h"
#include "patchbay/experiments/path_presets_common.h"
#include "patchbay/patching/session.h"
#include "patchbay/results/statistics.h"

namespace patchbay::experiments {

const Experiment& path_patching();

namespace {

constexpr OptionInfo kOptions[] = {
    {"preset", "paper",
     "whose path patching: paper, easy_transformer, arena, path_patching_lib, pyvene, "
     "transformer_lens_linear, acdc_edge; several are compared. It sets what is not said below"},
    {"sender", "heads",
     "what gets the other run's values: heads, mlps, attn_outs or nodes, each in turn; or a list "
     "such as 9.9,9.6+10.0,mlp3,attn_out:4,neuron:4.100,embed, where + joins what is patched at "
     "once"},
    {"sender-position", "",
     "where senders are patched: numbers, names of the task, or all; the preset's if not said"},
    {"receiver", "logits",
     "where paths end: logits, or inputs such as q:9.6,9.9 or k:5.5;v:7.3 or pattern:5.5 or "
     "mlp_in:4 or neuron:4.100 or resid_pre:8; > leads on from one group to the next: v:5.5 > "
     "q:9.9 > logits"},
    {"receiver-position", "", "where receivers read: numbers, names of the task, or all"},
    {"each-receiver", "no", "yes: an axis of receivers, each alone, instead of a group at once"},
    {"meaning", "",
     "what a path is: heads_frozen, skip_edge, edge, linear; the preset's if not said"},
    {"mlps", "",
     "live: paths go through MLPs too; frozen: through the residual stream alone; the preset's if "
     "not said"},
    {"other-heads", "", "frozen, or live: what receivers get is all that the senders change"},
    {"norms", "", "live; clean or corrupted: the scales of that prompt while heads are frozen"},
    {"direction", "",
     "noise: the clean run with corrupted values; denoise: the corrupted run with clean values; "
     "the preset's if not said"},
    {"source", "other",
     "what is put in: other, zero, mean, mean_by_position, mean_by_template, resample, gaussian"},
    {"sigma", "0.1", "of gaussian: the standard deviation of the noise"},
    {"source-seed", "0", "of resample and gaussian"},
    {"metric", "logit_diff", "what is measured"},
    {"effect", "",
     "shown first: raw, fraction, recovered, percent_of_clean, of_gap; the preset's if not said"},
    {"aggregate", "ratio_of_means", "of prompts: ratio_of_means or mean_of_ratios"},
};

// One way to patch the same paths.
struct Variant {
  PathPreset preset;  // with what was said instead
  PathSweep sweep;
};

struct Work {
  std::vector<TableAxis> axes;
  std::vector<Variant> variants;
  EffectKind effect;
  Aggregate aggregate;
};

Work work_of(const Request& request) {
  const Settings& settings = request.settings;
  Work work{.axes = {}, .variants = {}, .effect = {}, .aggregate = {}};
  for (const PathPreset& preset : presets_of(settings)) {
    PathPlan plan = paths_of(request, preset.sender_position);
    work.axes = std::move(plan.axes);
    work.variants.push_back(
        {.preset = preset,
         .sweep = {.direction = preset.direction,
                   .paths = std::move(plan.paths),
                   .source = {.kind = parse_source(settings.text("source")),
                              .seed = static_cast<std::uint64_t>(settings.integer(
                                  "source-seed", 0, std::numeric_limits<std::int64_t>::max())),
                              .sigma = settings.number("sigma")},
                   .metric = metrics::find(settings.text("metric")),
                   .meaning = preset.meaning,
                   .freeze_mlps = preset.freeze_mlps,
                   .live_heads = preset.live_heads,
                   .norms = preset.norms}});
    check_path_sweep(request.model, request.prompts, work.variants.back().sweep);
    if (preset.direction != work.variants.front().preset.direction) {
      throw Error(
          ErrorKind::kUsage, "--preset",
          fmt::format("{} patches the {} run and {} the other one; to see them side by "
                      "side say --direction",
                      work.variants.front().preset.name,
                      preset.direction == Direction::kNoise ? "corrupted" : "clean", preset.name));
    }
  }
  const bool alone = work.variants.size() == 1;
  if (!alone) {
    TableAxis names{"preset", {}};
    for (const Variant& one : work.variants) names.labels.emplace_back(one.preset.name);
    work.axes.insert(work.axes.begin(), std::move(names));
  }
  // Several have effects of their own, told in notes; a fraction is what they can be compared by.
  work.effect = alone                         ? work.variants.front().preset.effect
                : settings.is_given("effect") ? parse_effect_kind(settings.text("effect"))
                                              : EffectKind::kFraction;
  work.aggregate = parse_aggregate(settings.text("aggregate"));
  return work;
}

void check(const Request& request) { (void)work_of(request); }

// Where a preset's fractions differ from the first one's.
std::vector<std::string> disagreements(const EffectTable& table, const Work& work) {
  const auto cells = summarize(table, EffectKind::kFraction, table.aggregate);
  const std::size_t per_preset = cells.size() / work.variants.size();
  constexpr double kNothing = 0.01;  // of the gap
  std::vector<std::string> notes;
  for (std::size_t i = 1; i < work.variants.size(); ++i) {
    std::size_t farthest = 0;
    double largest = -1.0;
    std::size_t other_sign = 0;
    for (std::size_t cell = 0; cell < per_preset; ++cell) {
      const double first = cells[cell].value;
      const double own = cells[i * per_preset + cell].value;
      if (std::abs(own - first) > largest) {
        largest = std::abs(own - first);
        farthest = cell;
      }
      if (std::min(std::abs(own), std::abs(first)) > kNothing && own * first < 0) ++other_sign;
    }
    const std::string_view names[] = {work.variants.front().preset.name,
                                      work.variants[i].preset.name};
    if (largest == 0.0) {
      notes.push_back(fmt::format("{} and {} give the same numbers", names[0], names[1]));
      continue;
    }
    std::string where;
    const auto labels = table.cell_labels(static_cast<std::int64_t>(farthest));
    for (std::size_t axis = 1; axis < labels.size(); ++axis) {
      where +=
          fmt::format("{}{} {}", where.empty() ? "" : ", ", table.axes[axis].name, labels[axis]);
    }
    notes.push_back(fmt::format(
        "{} and {} differ most at {}: fraction {:.4f} against {:.4f}; {} of {} cells have opposite "
        "signs, both being above {} of the gap",
        names[0], names[1], where, cells[farthest].value, cells[i * per_preset + farthest].value,
        other_sign, per_preset, kNothing));
  }
  return notes;
}

EffectTable run(const Request& request) {
  Work work = work_of(request);
  EffectTable table;
  table.experiment = "path_patching";
  table.options = request.settings.recorded();
  if (work.variants.size() == 1) record(work.variants.front().preset, table.options);
  table.metric = work.variants.front().sweep.metric.name;
  table.direction = work.variants.front().preset.direction;
  table.axes = std::move(work.axes);
  table.axes.push_back(prompt_axis(request.prompts));
  table.columns = prompt_columns(request.model, request.prompts);
  table.effect = work.effect;
  table.aggregate = work.aggregate;
  const Session session(request.ctx, request.model, request.prompts, request.store);
  for (const Variant& one : work.variants) {
    SweepResult result = session.run(one.sweep);
    table.values.insert(table.values.end(), result.values.begin(), result.values.end());
    table.baselines = std::move(result.baselines);
    const std::string name = work.variants.size() == 1 ? "" : fmt::format("{}: ", one.preset.name);
    table.notes.push_back(fmt::format("{}{}", name, text_of(one.preset)));
    if (result.unchanged > 0) {
      table.notes.push_back(
          fmt::format("{}{} of {} paths change nothing: no path leads from there to the receivers, "
                      "or what is put in is what was there",
                      name, result.unchanged, one.sweep.paths.size()));
    }
  }
  for (std::string& note : disagreements(table, work)) table.notes.push_back(std::move(note));
  return table;
}

}  // namespace

const Experiment& path_patching() {
  static constexpr Experiment kExperiment = {
      .name = "path_patching",
      .summary = "what senders say to receivers along paths through no other head (direct effects)",
      .options = kOptions,
      .run = &run,
      .check = &check,
      .can_be_sharded = true};
  return kExperiment;
}

}  // namespace patchbay::experiments
