#include "patchbay/experiments/circuit_common.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "patchbay/base/error.h"
#include "patchbay/experiments/columns_common.h"
#include "patchbay/results/result_json.h"

namespace patchbay::experiments {

Circuit circuit_of(const Request& request) {
  const std::string& text = request.settings.text("circuit");
  if (text.empty()) {
    throw Error(ErrorKind::kUsage, "--circuit",
                "say which circuit: a published one, a result file of find_circuit, or its heads");
  }
  const auto names = published_circuit_names();
  Circuit circuit;
  if (text.ends_with(".json")) {
    circuit = patchbay::circuit_of(read_result(text).table);
  } else if (std::ranges::find(names, text) != names.end() || text.find('.') == std::string::npos) {
    circuit = published_circuit(text, request.model.cfg());
  } else {
    circuit = parse_circuit(text);
  }
  (void)nodes_of(circuit, request.model.cfg(), request.prompts);
  return circuit;
}

KnockoutSettings knockout_settings_of(const Request& request, bool has_mlps) {
  constexpr std::string_view kMlps[] = {"kept", "ablated"};
  const Settings& settings = request.settings;
  KnockoutSettings result{
      .source = {.kind = parse_source(settings.text("source")),
                 .seed = static_cast<std::uint64_t>(
                     settings.integer("source-seed", 0, std::numeric_limits<std::int64_t>::max()))},
      .metric = metrics::find(settings.text("metric")),
      .ablate_mlps = has_mlps && settings.choice("mlps", kMlps) == "ablated"};
  if (result.source.kind == SourceKind::kGaussian) {
    throw Error(ErrorKind::kUsage, "--source",
                "gaussian adds noise and takes nothing away; take a mean, zero, resample or other");
  }
  metrics::check_pairs(result.metric, request.prompts);
  return result;
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

EffectTable knockout_table(const Request& request, std::string_view experiment,
                           const KnockoutSettings& settings, const Baselines& baselines) {
  EffectTable table;
  table.experiment = experiment;
  table.options = request.settings.recorded();
  table.metric = settings.metric.name;
  table.baselines = baselines;
  table.columns = prompt_columns(request.model, request.prompts);
  table.effect = EffectKind::kRaw;
  table.aggregate = Aggregate::kRatioOfMeans;
  return table;
}

}  // namespace patchbay::experiments
