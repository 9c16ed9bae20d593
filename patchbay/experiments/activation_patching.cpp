#include "patchbay/experiments/activation_patching.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "patchbay/config/shared_heads.h"
#include "patchbay/experiments/columns_common.h"
#include "patchbay/experiments/places_common.h"
#include "patchbay/patching/session.h"

namespace patchbay::experiments {
namespace {

// Where and how to patch; `cells` of the places are the sweep's variants.
struct PlacesSweep {
  std::vector<TableAxis> axes;
  std::size_t n_cells;
  std::vector<std::size_t> cells;  // of each variant
  Sweep sweep;
};

PlacesSweep sweep_of(Session& session, const ActivationPatching& settings) {
  check_values(settings);
  Places places = places_of(session, settings);
  if (settings.direction == Direction::kNone) {
    throw FieldError("direction", "choose noise or denoise");
  }
  PlacesSweep all{.axes = std::move(places.axes),
                  .n_cells = places.cells.size(),
                  .cells = {},
                  .sweep = {.direction = settings.direction,
                            .variants = {},
                            .source = settings.source,
                            .metric = *settings.metric}};
  // Cells that the model does not have (a key/value head beyond the last) are no variants.
  for (std::size_t cell = 0; cell < places.cells.size(); ++cell) {
    if (places.cells[cell].empty()) continue;
    all.cells.push_back(cell);
    all.sweep.variants.push_back(std::move(places.cells[cell]));
  }
  check_sweep(session.model(), session.prompts(), all.sweep);
  return all;
}

}  // namespace

void check(Session& session, const ActivationPatching& settings) {
  (void)sweep_of(session, settings);
}

EffectTable run(Session& session, const ActivationPatching& settings) {
  const auto [axes, n_cells, cells, sweep] = sweep_of(session, settings);
  const SweepResult result = session.run(sweep);

  EffectTable table = table_of(settings);
  table.metric = sweep.metric.name;
  table.direction = sweep.direction;
  table.axes = axes;
  table.axes.push_back(prompt_axis(session.prompts()));
  const std::size_t prompts = session.prompts().pairs.size();
  table.values.assign(n_cells * prompts, std::numeric_limits<double>::quiet_NaN());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    std::copy_n(result.values.begin() + static_cast<std::ptrdiff_t>(i * prompts), prompts,
                table.values.begin() + static_cast<std::ptrdiff_t>(cells[i] * prompts));
  }
  table.baselines = result.baselines;
  table.columns = prompt_columns(session.model(), session.prompts());
  table.effect = settings.effect;
  show_raw_without_corrupted(table);
  table.aggregate = settings.aggregate;
  if (result.unchanged > 0) {
    table.notes.push_back(fmt::format(
        "{} of {} patches change nothing: what they put in is what was there, or nothing that the "
        "metric reads depends on it",
        result.unchanged, sweep.variants.size()));
  }
  note_spans(table, session.prompts(), named_positions(sweep.variants));
  const HookedTransformerConfig& cfg = session.model().cfg();
  const bool is_shared = std::ranges::any_of(
      settings.site, [&](HookPoint site) { return has_shared_heads(cfg, site); });
  if (is_shared) table.notes.push_back(shared_heads_text(cfg));
  note_lone_templates(table, session.prompts());
  return table;
}

const Experiment& activation_patching() { return experiment_of<ActivationPatching>(); }

}  // namespace patchbay::experiments
