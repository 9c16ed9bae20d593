#include "patchbay/experiments/minimality.h"

#include <fmt/format.h>

#include <algorithm>

#include "patchbay/experiments/circuit_common.h"
#include "patchbay/experiments/columns_common.h"

namespace patchbay::experiments {
namespace {

using Sets = Minimality::Sets;

CircuitKnockouts knockouts_of(Session& session, const Minimality& settings) {
  CircuitKnockouts knockouts = circuit_knockouts(session, settings);
  if (settings.k == Sets::kPublished) (void)published_circuit("paper", session.model().cfg());
  return knockouts;
}

// One set K that is tried for a node: F(C \ K) and F(C \ (K ∪ {v})).
struct Tried {
  CircuitNodes k;
  std::size_t without_k;
  std::size_t without_both;
};

CircuitNodes less(CircuitNodes nodes, const CircuitNodes& removed) {
  for (const CircuitNode& node : removed) nodes.erase(node);
  return nodes;
}

// The sets K to try for a node.
std::vector<CircuitNodes> sets_of(Sets kind, const CircuitNode& node, const CircuitNodes& own_class,
                                  const CircuitNodes& all) {
  if (kind == Sets::kPublished) {
    CircuitNodes k;
    const std::vector<Head> heads = published_minimality_set(node.head);
    std::ranges::copy_if(all, std::inserter(k, k.end()), [&](const CircuitNode& other) {
      return std::ranges::find(heads, other.head) != heads.end();
    });
    return {k};
  }
  const CircuitNodes rest = less(own_class, {node});
  if (kind == Sets::kRest || rest.empty()) return {rest};
  return {{}, rest};
}

}  // namespace

void check(Session& session, const Minimality& settings) { (void)knockouts_of(session, settings); }

EffectTable run(Session& session, const Minimality& settings) {
  const CircuitKnockouts parts = knockouts_of(session, settings);
  const Circuit& circuit = parts.circuit;
  const HookedTransformerConfig& cfg = session.model().cfg();
  const PromptSet& prompts = session.prompts();
  const CircuitNodes all = nodes_of(circuit, cfg, prompts);
  Knockouts knockouts(session, parts.settings);
  std::map<CircuitNodes, std::size_t> circuits;  // by what is left: sets share runs
  const auto add = [&](const CircuitNodes& left) {
    const auto known = circuits.find(left);
    if (known != circuits.end()) return known->second;
    return circuits[left] = knockouts.add_circuit(left);
  };
  std::vector<std::string> labels;
  std::vector<std::vector<Tried>> choices;
  for (const HeadClass& one : circuit.classes) {
    const std::vector<CircuitNode> nodes = nodes_of(one, cfg, prompts);
    for (const CircuitNode& node : nodes) {
      labels.push_back(fmt::format("{} ({})", patchbay::text_of(node, prompts), one.name));
      choices.emplace_back();
      for (const CircuitNodes& k : sets_of(settings.k, node, {nodes.begin(), nodes.end()}, all)) {
        const CircuitNodes left = less(all, k);
        choices.back().push_back({k, add(left), add(less(left, {node}))});
      }
    }
  }
  knockouts.run();
  EffectTable table =
      knockout_table(session, table_of(settings), parts, knockouts.baselines(), all);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const Tried& shown = *std::ranges::max_element(choices[i], {}, [&](const Tried& tried) {
      return total_change(knockouts.values(tried.without_k), knockouts.values(tried.without_both));
    });
    append_difference(knockouts.values(shown.without_k), knockouts.values(shown.without_both),
                      table.values);
    const std::string k = text_of(shown.k, prompts);
    table.notes.push_back(fmt::format("{}: K = {}", labels[i], k.empty() ? "nothing" : k));
  }
  table.axes = {{"node", labels},
                {"circuit", {"without K", "without K and the node", "change"}},
                prompt_axis(prompts)};
  note_lone_templates(table, session.prompts());
  return table;
}

const Experiment& minimality() { return experiment_of<Minimality>(); }

}  // namespace patchbay::experiments
