#include "patchbay/experiments/find_circuit.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "patchbay/base/error.h"
#include "patchbay/circuits/circuit_search.h"
#include "patchbay/experiments/circuit_common.h"
#include "patchbay/experiments/columns_common.h"
#include "patchbay/results/statistics.h"

namespace patchbay::experiments {
namespace {

// How to search, and how knockouts of what was found are made.
struct Parts {
  CircuitSearch search;
  KnockoutSettings knockout;
};

Parts parts_of(Session& session, const FindCircuit& settings) {
  check_values(settings);
  if (settings.threshold <= 0.0) {
    throw FieldError("threshold", "must be more than 0 percent; 5 is the usual one");
  }
  return {.search = {.metric = *settings.metric,
                     .threshold = settings.threshold,
                     .most_nodes = settings.max_nodes,
                     .most_steps = settings.max_steps},
          .knockout = knockouts_of(session, settings.source, settings.metric, false)};
}

// Every other prompt, from the first or from the second on.
PromptSet half_of(const PromptSet& prompts, std::size_t first) {
  PromptSet half = prompts;
  half.pairs.clear();
  for (std::size_t i = first; i < prompts.pairs.size(); i += 2) {
    half.pairs.push_back(prompts.pairs[i]);
  }
  return half;
}

// What a circuit does alone on some prompts, as a sentence.
std::string faithfulness_text(const Session& session, const KnockoutSettings& settings,
                              const CircuitNodes& nodes) {
  Knockouts knockouts(session, settings);
  knockouts.add_circuit(nodes);
  knockouts.add_circuit({});
  knockouts.run();
  EffectTable table;
  table.direction = Direction::kNoise;
  table.axes = {{"kept", {"circuit", "no head"}}, prompt_axis(session.prompts())};
  for (const std::size_t number : {std::size_t{0}, std::size_t{1}}) {
    const std::vector<double> values = knockouts.values(number);
    table.values.insert(table.values.end(), values.begin(), values.end());
  }
  table.baselines = knockouts.baselines();
  table.columns = prompt_columns(session.model(), session.prompts());
  const auto percent = summarize(table, EffectKind::kPercentOfClean, Aggregate::kRatioOfMeans);
  const auto number = [](double change) { return fmt::format("{:.1f}", 100.0 + change); };
  return fmt::format("{} % of the clean {} (95 % interval {}); without any head {} %",
                     number(percent[0].value), settings.metric.name,
                     interval_text(percent[0], number), number(percent[1].value));
}

std::string node_list(const CircuitNodes& nodes, const PromptSet& prompts) {
  const std::string text = text_of(nodes, prompts);
  return text.empty() ? "none" : text;
}

// Searches both halves of the prompts, and measures each half's circuit on the other.
void add_variation(const Session& session, const Parts& parts, std::vector<std::string>& notes) {
  const PromptSet halves[] = {half_of(session.prompts(), 0), half_of(session.prompts(), 1)};
  CircuitNodes found[2];
  for (std::size_t i = 0; i < 2; ++i) {
    found[i] = patchbay::find_circuit(session.with(halves[i]), parts.search).nodes;
  }
  CircuitNodes both;
  CircuitNodes one;
  std::ranges::set_intersection(found[0], found[1], std::inserter(both, both.end()));
  std::ranges::set_symmetric_difference(found[0], found[1], std::inserter(one, one.end()));
  notes.push_back(fmt::format(
      "searched in each half of the prompts: {} and {} nodes, {} in both; in one half alone: {}",
      found[0].size(), found[1].size(), both.size(), node_list(one, session.prompts())));
  for (std::size_t i = 0; i < 2; ++i) {
    if (found[i].empty()) continue;
    notes.push_back(
        fmt::format("the circuit of half {} alone, on the prompts of the other: {}", i + 1,
                    faithfulness_text(session.with(halves[1 - i]), parts.knockout, found[i])));
  }
}

[[noreturn]] void refuse_nothing_found(const CircuitSearch& search, std::int64_t prompts) {
  const std::string nothing =
      fmt::format("no path from a head to the logits changes {} by {} percent", search.metric.name,
                  search.threshold);
  if (prompts >= kFewestResampled) {
    throw FieldError("threshold", nothing +
                                      ", with an interval that leaves out 0; try a lower "
                                      "threshold, or more prompts");
  }
  throw FieldError(
      "threshold",
      fmt::format("{} for certain: {} distinct prompt{} no interval, and a head joins "
                  "where it leaves out 0; take {} prompts or more",
                  nothing, prompts, prompts == 1 ? " has" : "s have", kFewestResampled));
}

}  // namespace

void check(Session& session, const FindCircuit& settings) { (void)parts_of(session, settings); }

EffectTable run(Session& session, const FindCircuit& settings) {
  const Parts parts = parts_of(session, settings);
  const Session asked = session.for_several_questions();
  FoundCircuit found = patchbay::find_circuit(asked, parts.search);
  if (found.edges.empty()) refuse_nothing_found(parts.search, session.prompts().n_distinct());
  EffectTable table =
      knockout_table(session, table_of(settings), parts.knockout, found.baselines, found.nodes);
  table.direction = Direction::kNoise;
  table.effect = EffectKind::kPercentOfClean;
  TableAxis axis{"edge", {}};
  for (const CircuitEdge& edge : found.edges) axis.labels.push_back(patchbay::text_of(edge));
  table.axes = {std::move(axis), prompt_axis(session.prompts())};
  table.values = std::move(found.values);
  table.notes.push_back(fmt::format("{} heads at positions: {}", found.nodes.size(),
                                    node_list(found.nodes, session.prompts())));
  table.notes.push_back(fmt::format(
      "alone, with MLPs kept and other heads' outputs replaced by {}: {}",
      name_of(parts.knockout.source.kind), faithfulness_text(asked, parts.knockout, found.nodes)));
  if (settings.samples == 2 && session.prompts().size() >= 2 * kFewestResampled) {
    add_variation(asked, parts, table.notes);
  }
  note_lone_templates(table, session.prompts());
  return table;
}

const Experiment& find_circuit() { return experiment_of<FindCircuit>(); }

}  // namespace patchbay::experiments
