#include "patchbay/experiments/circuit_common.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "patchbay/experiments/columns_common.h"
#include "patchbay/results/result_json.h"

namespace patchbay::experiments {

Circuit CircuitChoice::of(Session& session) const {
  if (!is_given()) {
    throw FieldError(
        "circuit",
        "say which circuit: a published one, a result file of find_circuit, or its heads");
  }
  const HookedTransformerConfig& cfg = session.model().cfg();
  const auto names = published_circuit_names();
  Circuit circuit;
  if (text().ends_with(".json")) {
    circuit = patchbay::circuit_of(read_result(text()).table);
  } else if (std::ranges::find(names, text()) != names.end() ||
             (text().find('.') == std::string::npos && near_head(text()).empty())) {
    circuit = published_circuit(text(), cfg);
  } else {
    circuit = parse_circuit(text());
  }
  (void)nodes_of(circuit, cfg, session.prompts());
  return circuit;
}

KnockoutSettings knockouts_of(Session& session, const Source& source, const metrics::Metric* metric,
                              bool ablate_mlps) {
  if (source.kind == SourceKind::kGaussian) {
    throw FieldError(
        "source",
        "gaussian adds noise and takes nothing away; take a mean, zero, resample or other");
  }
  metrics::check_pairs(*metric, session.prompts());
  return {.source = {.kind = source.kind, .seed = source.seed},
          .metric = *metric,
          .ablate_mlps = ablate_mlps};
}

std::string text_of(const CircuitNodes& nodes, const PromptSet& prompts) {
  std::string text;
  for (const CircuitNode& node : nodes) {
    text += (text.empty() ? "" : " ") + patchbay::text_of(node, prompts);
  }
  return text;
}

double total_change(const std::vector<double>& from, const std::vector<double>& to) {
  double sum = 0.0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (std::isfinite(from[i]) && std::isfinite(to[i])) sum += to[i] - from[i];
  }
  return std::abs(sum);
}

void append_difference(const std::vector<double>& model, const std::vector<double>& circuit,
                       std::vector<double>& values) {
  values.insert(values.end(), model.begin(), model.end());
  values.insert(values.end(), circuit.begin(), circuit.end());
  for (std::size_t i = 0; i < model.size(); ++i) values.push_back(circuit[i] - model[i]);
}

std::vector<NamedPosition> named_positions(const CircuitNodes& nodes) {
  std::vector<NamedPosition> names;
  for (const CircuitNode& node : nodes) {
    if (node.position >= CircuitNode::kElsewhere) continue;  // no name
    if (std::ranges::find(names, node.position) == names.end()) names.push_back(node.position);
  }
  return names;
}

EffectTable knockout_table(Session& session, EffectTable table, const KnockoutSettings& settings,
                           const Baselines& baselines, const CircuitNodes& nodes) {
  table.metric = settings.metric.name;
  table.baselines = baselines;
  table.columns = prompt_columns(session.model(), session.prompts());
  table.effect = EffectKind::kRaw;
  table.aggregate = Aggregate::kRatioOfMeans;
  note_spans(table, session.prompts(), named_positions(nodes));
  return table;
}

}  // namespace patchbay::experiments
