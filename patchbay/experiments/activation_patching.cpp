// Activation patching: one run's activations put into the other run, place by place (Vig et al.
// 2020, Meng et al. 2022; the studies of Wang et al. 2022 by total effect). What an axis lists is
// patched one at a time; what it does not list is patched at once.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "patchbay/base/error.h"
#include "patchbay/experiments/columns_common.h"
#include "patchbay/experiments/places_common.h"
#include "patchbay/patching/session.h"

namespace patchbay::experiments {

const Experiment& activation_patching();

namespace {

constexpr OptionInfo kOptions[] = {
    {"site", "z",
     "what is patched: resid_pre, resid_mid, resid_post, attn_out, mlp_out, z, q, k, v, rot_q, "
     "rot_k, pattern, attn_scores, result, mlp_post, mlp_pre, and what else takes row edits "
     "(q_input, mlp_in, mlp_pre_linear, ...); several give an axis of sites"},
    {"axes", "",
     "what is patched one at a time: layer, head, position, neuron; of attention also destination "
     "and source; by default layer,head of sites with heads, else layer,position"},
    {"layers", "", "only these layers: 0,3-5; negative ones count from the end"},
    {"heads", "", "only these heads"},
    {"positions", "", "only these positions: numbers, or names that the task has; all is all"},
    {"sources", "", "of attention, only these source positions"},
    {"neurons", "", "only these neurons"},
    {"nodes", "",
     "instead of axes: heads to patch at once, LAYER.HEAD joined by +, groups between commas"},
    {"direction", "noise",
     "noise: the clean run with corrupted values; denoise: the corrupted run with clean values"},
    {"source", "other",
     "what is put in: other, zero, mean, mean_by_position, mean_by_template, resample, gaussian"},
    {"sigma", "0.1", "of gaussian: the standard deviation of the noise"},
    {"source-seed", "0", "of resample and gaussian"},
    {"metric", "logit_diff", "what is measured"},
    {"effect", "fraction", "shown first: raw, fraction, recovered, percent_of_clean, of_gap"},
    {"aggregate", "ratio_of_means", "of prompts: ratio_of_means or mean_of_ratios"},
};

struct Plan {
  Places places;
  Sweep sweep;
  std::vector<std::size_t> cells;  // of each variant
  EffectKind effect;
  Aggregate aggregate;
};

Plan plan_of(const Request& request) {
  const Settings& settings = request.settings;
  Places places = places_of(request);
  Sweep sweep{.direction = parse_direction(settings.text("direction")),
              .variants = {},
              .source = {.kind = parse_source(settings.text("source")),
                         .seed = static_cast<std::uint64_t>(settings.integer(
                             "source-seed", 0, std::numeric_limits<std::int64_t>::max())),
                         .sigma = settings.number("sigma")},
              .metric = metrics::find(settings.text("metric"))};
  if (sweep.direction == Direction::kNone) {
    throw Error(ErrorKind::kUsage, "--direction", "choose noise or denoise");
  }
  // Cells that the model does not have (a key/value head beyond the last) are no variants.
  std::vector<std::size_t> cells;
  for (std::size_t cell = 0; cell < places.cells.size(); ++cell) {
    if (places.cells[cell].empty()) continue;
    cells.push_back(cell);
    sweep.variants.push_back(places.cells[cell]);
  }
  return {.places = std::move(places),
          .sweep = std::move(sweep),
          .cells = std::move(cells),
          .effect = parse_effect_kind(settings.text("effect")),
          .aggregate = parse_aggregate(settings.text("aggregate"))};
}

void check(const Request& request) { (void)plan_of(request); }

EffectTable run(const Request& request) {
  const auto [places, sweep, cells, effect, aggregate] = plan_of(request);
  const SweepResult result =
      Session(request.ctx, request.model, request.prompts, request.store).run(sweep);

  EffectTable table;
  table.experiment = "activation_patching";
  table.options = request.settings.recorded();
  table.metric = sweep.metric.name;
  table.direction = sweep.direction;
  table.axes = places.axes;
  table.axes.push_back(prompt_axis(request.prompts));
  const std::size_t prompts = request.prompts.pairs.size();
  table.values.assign(places.cells.size() * prompts, std::numeric_limits<double>::quiet_NaN());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    std::copy_n(result.values.begin() + static_cast<std::ptrdiff_t>(i * prompts), prompts,
                table.values.begin() + static_cast<std::ptrdiff_t>(cells[i] * prompts));
  }
  table.baselines = result.baselines;
  table.columns = prompt_columns(request.model, request.prompts);
  table.effect = effect;
  table.aggregate = aggregate;
  if (result.unchanged > 0) {
    table.notes.push_back(fmt::format(
        "{} of {} patches change nothing: what they put in is what was there, or nothing that the "
        "metric reads depends on it",
        result.unchanged, sweep.variants.size()));
  }
  return table;
}

}  // namespace

const Experiment& activation_patching() {
  static constexpr Experiment kExperiment = {
      .name = "activation_patching",
      .summary = "puts activations of one run into the other, place by place (total effects)",
      .options = kOptions,
      .run = &run,
      .check = &check,
      .can_be_sharded = true};
  return kExperiment;
}

}  // namespace patchbay::experiments
