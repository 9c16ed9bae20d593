#include "patchbay/experiments/path_patching.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "patchbay/experiments/columns_common.h"
#include "patchbay/experiments/path_nodes_common.h"
#include "patchbay/experiments/path_presets_common.h"
#include "patchbay/patching/path_checks.h"
#include "patchbay/results/statistics.h"

namespace patchbay::experiments {
namespace {

// One way to patch the same paths.
struct PresetSweep {
  PathPreset preset;  // with what was said instead
  PathSweep sweep;
};

// The same paths by every preset that is named.
struct PresetSweeps {
  std::vector<TableAxis> axes;
  std::vector<PresetSweep> each;
};

PresetSweeps sweeps_of(Session& session, const PathPatching& settings) {
  check_values(settings);
  PresetSweeps all;
  for (const PathPreset& preset : presets_of(settings)) {
    PathPlan plan = paths_of(session, settings, preset.sender_position);
    all.axes = std::move(plan.axes);
    all.each.push_back({.preset = preset,
                        .sweep = {.direction = preset.direction,
                                  .paths = std::move(plan.paths),
                                  .source = settings.source,
                                  .metric = *settings.metric,
                                  .meaning = preset.meaning,
                                  .freeze_mlps = preset.freeze_mlps,
                                  .live_heads = preset.live_heads,
                                  .norms = preset.norms}});
    check_path_sweep(session.model(), session.prompts(), all.each.back().sweep);
    const PathPreset& first = all.each.front().preset;
    if (preset.direction != first.direction) {
      throw FieldError(
          "preset",
          fmt::format("{} patches the {} run and {} the other one; to see them side by "
                      "side say `direction`",
                      first.name, preset.direction == Direction::kNoise ? "corrupted" : "clean",
                      preset.name));
    }
  }
  if (all.each.size() > 1) {
    TableAxis names{"preset", {}};
    for (const PresetSweep& one : all.each) names.labels.emplace_back(one.preset.name);
    all.axes.insert(all.axes.begin(), std::move(names));
  }
  return all;
}

// Where a preset's fractions differ from the first one's.
std::vector<std::string> disagreements(const EffectTable& table,
                                       const std::vector<PresetSweep>& each) {
  if (!table.has_effect(EffectKind::kFraction)) return {};  // no corrupted prompts
  const auto cells = summarize(table, EffectKind::kFraction, table.aggregate);
  const std::size_t per_preset = cells.size() / each.size();
  constexpr double kNothing = 0.01;  // of the gap
  std::vector<std::string> notes;
  for (std::size_t i = 1; i < each.size(); ++i) {
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
    const std::string_view names[] = {each.front().preset.name, each[i].preset.name};
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

}  // namespace

void check(Session& session, const PathPatching& settings) { (void)sweeps_of(session, settings); }

EffectTable run(Session& session, const PathPatching& settings) {
  PresetSweeps all = sweeps_of(session, settings);
  const PathPreset& first = all.each.front().preset;
  const bool alone = all.each.size() == 1;
  EffectTable table = table_of(settings);
  table.options = recorded_options(settings);
  table.metric = settings.metric->name;
  table.direction = first.direction;
  table.axes = std::move(all.axes);
  table.axes.push_back(prompt_axis(session.prompts()));
  table.columns = prompt_columns(session.model(), session.prompts());
  // Several have effects of their own, told in notes; a fraction is what they can be compared by.
  table.effect = alone ? first.effect : settings.effect.value_or(EffectKind::kFraction);
  table.aggregate = settings.aggregate;
  const Session asked = alone ? session : session.for_several_questions();
  for (const PresetSweep& one : all.each) {
    SweepResult result = asked.run(one.sweep);
    table.values.insert(table.values.end(), result.values.begin(), result.values.end());
    table.baselines = std::move(result.baselines);
    const std::string name = alone ? "" : fmt::format("{}: ", one.preset.name);
    table.notes.push_back(fmt::format("{}{}", name, text_of(one.preset)));
    if (result.unchanged > 0) {
      table.notes.push_back(
          fmt::format("{}{} of {} paths change nothing: no path leads from there to the receivers, "
                      "or what is put in is what was there",
                      name, result.unchanged, one.sweep.paths.size()));
    }
  }
  show_raw_without_corrupted(table);
  for (std::string& note : disagreements(table, all.each)) table.notes.push_back(std::move(note));
  std::vector<Intervention> places;
  for (const Path& path : all.each.front().sweep.paths) {
    places.push_back(path.senders);
    places.insert(places.end(), path.receivers.begin(), path.receivers.end());
  }
  note_spans(table, session.prompts(), named_positions(places));
  note_lone_templates(table, session.prompts());
  return table;
}

const Experiment& path_patching() { return experiment_of<PathPatching>(); }

}  // namespace patchbay::experiments
