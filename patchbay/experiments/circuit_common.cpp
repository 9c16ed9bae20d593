#include "patchbay/experiments/circuit_common.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "patchbay/base/visible_text.h"
#include "patchbay/experiments/columns_common.h"
#include "patchbay/results/result_json.h"

namespace patchbay::experiments {
namespace {

// By the weights' digests; by names where one of these is unknown.
bool is_found_on(const Session& session, const Provenance& from) {
  const std::string& own = session.weights_sha256();
  if (!own.empty() && !from.model_sha256.empty()) return own == from.model_sha256;
  return from.model.empty() || from.model == session.model().cfg().model_name;
}

std::string model_text(const Provenance& from, const HookedTransformerConfig& cfg) {
  return from.model == cfg.model_name
             ? fmt::format("other weights of the name {}", quoted_text(from.model))
             : fmt::format("the model {}", quoted_text(from.model));
}

// Takes the heads that the model does not have out of the circuit; gives their names.
std::vector<std::string> take_lacking(Circuit& circuit, const HookedTransformerConfig& cfg) {
  std::vector<std::string> lacking;
  for (HeadClass& one : circuit.classes) {
    std::erase_if(one.heads, [&](const Head& head) {
      const bool is_lacking = head.layer >= cfg.n_layers || head.head >= cfg.n_heads;
      if (is_lacking) lacking.push_back(patchbay::text_of(head));
      return is_lacking;
    });
  }
  std::erase_if(circuit.classes, [](const HeadClass& one) { return one.heads.empty(); });
  return lacking;
}

std::string lacking_text(std::vector<std::string> lacking, const HookedTransformerConfig& cfg) {
  if (lacking.empty()) return "";
  constexpr std::size_t kMost = 10;
  const std::size_t more = lacking.size() - std::min(lacking.size(), kMost);
  lacking.resize(lacking.size() - more);
  return fmt::format(" ({} layers of {} heads, so without {}{})", cfg.n_layers, cfg.n_heads,
                     fmt::join(lacking, " "), more == 0 ? "" : fmt::format(" and {} more", more));
}

}  // namespace

CircuitChoice::Chosen CircuitChoice::of(Session& session, bool anyway) const {
  if (!is_given()) {
    throw FieldError(
        "circuit",
        "say which circuit: a published one, a result file of find_circuit, or its heads");
  }
  const HookedTransformerConfig& cfg = session.model().cfg();
  const auto names = published_circuit_names();
  std::string of_other;  // whose circuit it is, where it is another model's
  Chosen chosen;
  if (text().ends_with(".json")) {
    const EffectTable table = read_result(text()).table;
    if (!is_found_on(session, table.provenance)) {
      of_other = fmt::format("was found on {}", model_text(table.provenance, cfg));
    }
    chosen.circuit = patchbay::circuit_of(table);
  } else if (std::ranges::find(names, text()) != names.end() ||
             (text().find('.') == std::string::npos && near_head(text()).empty())) {
    chosen.circuit = published_circuit(text());
    if (!is_gpt2_small(cfg)) {
      of_other = fmt::format("\"{}\" is of GPT-2 small (12 layers of 12 heads)", text());
    }
  } else {
    chosen.circuit = parse_circuit(text());
  }
  const std::vector<std::string> lacking = take_lacking(chosen.circuit, cfg);
  if (of_other.empty() && !lacking.empty()) of_other = "is of another model";
  if (!of_other.empty() && !anyway) {
    throw FieldError("circuit", fmt::format("the circuit {}; heads of this model{} have other jobs "
                                            "under the same numbers. Find its own with the "
                                            "experiment find_circuit, or say `anyway`",
                                            of_other, lacking_text(lacking, cfg)));
  }
  if (chosen.circuit.classes.empty()) {
    throw FieldError("circuit", fmt::format("this model has none of the circuit's heads{}; name "
                                            "heads that it has",
                                            lacking_text(lacking, cfg)));
  }
  if (!of_other.empty()) {
    chosen.warning =
        fmt::format("the circuit {}; heads of this model have other jobs under the same numbers{}",
                    of_other, lacking_text(lacking, cfg));
  }
  (void)nodes_of(chosen.circuit, cfg, session.prompts());
  return chosen;
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

EffectTable knockout_table(Session& session, EffectTable table, const CircuitKnockouts& knockouts,
                           const Baselines& baselines, const CircuitNodes& nodes) {
  if (!knockouts.warning.empty()) table.notes.push_back(knockouts.warning);
  return knockout_table(session, std::move(table), knockouts.settings, baselines, nodes);
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
