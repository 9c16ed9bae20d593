// Faithfulness (Wang et al. 2022, section 4): how much of what a model does its circuit does alone,
// every other head putting out an average.
#include <fmt/format.h>

#include "patchbay/experiments/circuit_common.h"

namespace patchbay::experiments {

const Experiment& faithfulness();

namespace {

constexpr OptionInfo kOptions[] = {
    kCircuitOption,
    kKnockoutSourceOption,
    kKnockoutSeedOption,
    kKnockoutMetricOption,
    kMlpsOption,
    {"effect", "percent_of_clean",
     "shown first: raw, fraction, recovered, percent_of_clean, of_gap"}};

struct Work {
  Circuit circuit;
  KnockoutSettings settings;
  EffectKind effect;
};

Work work_of(const Request& request) {
  return {.circuit = circuit_of(request),
          .settings = knockout_settings_of(request, true),
          .effect = parse_effect_kind(request.settings.text("effect"))};
}

void check(const Request& request) { (void)work_of(request); }

EffectTable run(const Request& request) {
  const Work work = work_of(request);
  const HookedTransformerConfig& cfg = request.model.cfg();
  const CircuitNodes all = nodes_of(work.circuit, cfg, request.prompts);
  const Session session(request.ctx, request.model, request.prompts, request.store);
  Knockouts knockouts(session, work.settings);
  TableAxis axis{"kept", {"circuit"}};
  knockouts.add_circuit(all);
  for (const HeadClass& one : work.circuit.classes) {
    CircuitNodes rest = all;
    for (const CircuitNode& node : nodes_of(one, cfg, request.prompts)) rest.erase(node);
    axis.labels.push_back(fmt::format("circuit without {}", one.name));
    knockouts.add_circuit(rest);
  }
  axis.labels.emplace_back("no head");
  knockouts.add_circuit({});
  knockouts.run();
  EffectTable table = knockout_table(request, "faithfulness", work.settings, knockouts.baselines());
  table.direction = Direction::kNoise;
  table.effect = work.effect;
  for (std::size_t i = 0; i < axis.labels.size(); ++i) {
    const std::vector<double> values = knockouts.values(i);
    table.values.insert(table.values.end(), values.begin(), values.end());
  }
  table.axes = {std::move(axis), prompt_axis(request.prompts)};
  std::size_t heads = 0;
  for (const HeadClass& one : work.circuit.classes) heads += one.heads.size();
  table.notes.push_back(
      fmt::format("the circuit has {} heads at {} places; clean is the whole "
                  "model, F(M)",
                  heads, all.size()));
  return table;
}

}  // namespace

const Experiment& faithfulness() {
  static constexpr Experiment kExperiment = {
      .name = "faithfulness",
      .summary = "what a circuit does alone, every other head putting out an average",
      .options = kOptions,
      .run = &run,
      .check = &check,
      .can_be_sharded = true};
  return kExperiment;
}

}  // namespace patchbay::experiments
