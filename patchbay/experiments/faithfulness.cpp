#include "patchbay/experiments/faithfulness.h"

#include <fmt/format.h>

#include "patchbay/experiments/circuit_common.h"
#include "patchbay/experiments/columns_common.h"

namespace patchbay::experiments {

void check(Session& session, const Faithfulness& settings) {
  (void)circuit_knockouts(session, settings);
}

EffectTable run(Session& session, const Faithfulness& settings) {
  const CircuitKnockouts parts = circuit_knockouts(session, settings);
  const Circuit& circuit = parts.circuit;
  const HookedTransformerConfig& cfg = session.model().cfg();
  const CircuitNodes all = nodes_of(circuit, cfg, session.prompts());
  Knockouts knockouts(session, parts.settings);
  TableAxis axis{"kept", {"circuit"}};
  knockouts.add_circuit(all);
  for (const HeadClass& one : circuit.classes) {
    CircuitNodes rest = all;
    for (const CircuitNode& node : nodes_of(one, cfg, session.prompts())) rest.erase(node);
    axis.labels.push_back(fmt::format("circuit without {}", one.name));
    knockouts.add_circuit(rest);
  }
  axis.labels.emplace_back("no head");
  knockouts.add_circuit({});
  knockouts.run();
  EffectTable table =
      knockout_table(session, table_of(settings), parts, knockouts.baselines(), all);
  table.direction = Direction::kNoise;
  table.effect = settings.effect;
  show_raw_without_corrupted(table);
  for (std::size_t i = 0; i < axis.labels.size(); ++i) {
    const std::vector<double> values = knockouts.values(i);
    table.values.insert(table.values.end(), values.begin(), values.end());
  }
  table.axes = {std::move(axis), prompt_axis(session.prompts())};
  std::size_t heads = 0;
  for (const HeadClass& one : circuit.classes) heads += one.heads.size();
  table.notes.push_back(
      fmt::format("the circuit has {} heads at {} places; clean is the whole "
                  "model, F(M)",
                  heads, all.size()));
  note_lone_templates(table, session.prompts());
  return table;
}

const Experiment& faithfulness() { return experiment_of<Faithfulness>(); }

}  // namespace patchbay::experiments
