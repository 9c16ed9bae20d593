// What experiments on circuits have in common: which circuit, and what takes the place of the rest.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "patchbay/circuits/knockout.h"
#include "patchbay/experiments/settings_common.h"

namespace patchbay::experiments {

/// A circuit: a published one of GPT-2 small by name, a result file of find_circuit, or its heads
/// as parse_circuit reads them.
class CircuitChoice : public Selection {
 public:
  static constexpr std::string_view kTypeWord = "CIRCUIT";
  using Selection::Selection;
  CircuitChoice(const Circuit& circuit) : Selection(patchbay::text_of(circuit)) {}  // NOLINT

  /// The circuit on a model and its prompts.
  struct Chosen {
    Circuit circuit;
    std::string warning{};  ///< what there is to know about a circuit of another model; or empty
  };
  /// Throws kUsage for nothing, for a circuit that is not there or not of this task, and for one of
  /// another model: a published one of other sizes, a result file of other weights (of another name
  /// where a digest is not known), heads that this model lacks. With `anyway` a circuit of another
  /// model is taken, without the heads that are lacking, unless those are all.
  [[nodiscard]] Chosen of(Session& session, bool anyway) const;
};

/// A circuit of the shipped model, for examples.
inline constexpr ExampleText kCircuitExample = {"circuit",
                                                "2.2 2.3 @ END; 1.1 1.2 @ END; 0.1 0.2 @ S1+1"};

inline constexpr Choice<bool> kMlpChoices[] = {{"kept", false}, {"ablated", true}};

/// The fields that settings of knockouts have: circuit, anyway, source, metric, ablate_mlps.
template <class Visitor, class Settings>
void visit_knockout(Visitor& v, Settings& settings) {
  v("circuit", settings.circuit,
    "a published one of GPT-2 small (paper, naive, lab), a result file of find_circuit, or heads "
    "such as \"name mover: 9.9 9.6 @ END; previous token: 2.2 @ S1+1\"");
  v("anyway", settings.anyway,
    "yes: take a circuit of another model, whose heads have other jobs there");
  visit_average(v, settings.source,
                "what heads put out instead: mean_by_template, mean_by_position, mean, zero, "
                "resample, other");
  v("metric", settings.metric, kMetricHelp);
  v("mlps", settings.ablate_mlps, one_of(kMlpChoices),
    "kept, or ablated: MLPs outside of a circuit are put out of action too");
}

/// Source, metric and MLPs of knockouts. Throws FieldError for noise, which takes nothing away, and
/// kBadData for pairs that the metric cannot read.
KnockoutSettings knockouts_of(Session& session, const Source& source, const metrics::Metric* metric,
                              bool ablate_mlps);

/// What those fields mean for one model and its prompts.
struct CircuitKnockouts {
  Circuit circuit;
  KnockoutSettings settings;
  std::string warning{};  ///< CircuitChoice's
};
/// Throws what check_values, CircuitChoice::of and knockouts_of throw.
template <class Settings>
CircuitKnockouts circuit_knockouts(Session& session, const Settings& settings) {
  check_values(settings);
  CircuitChoice::Chosen chosen = settings.circuit.of(session, settings.anyway);
  return {.circuit = std::move(chosen.circuit),
          .settings = knockouts_of(session, settings.source, settings.metric, settings.ablate_mlps),
          .warning = std::move(chosen.warning)};
}

/// The named positions of some nodes, each once.
std::vector<NamedPosition> named_positions(const CircuitNodes& nodes);

/// "9.9 9.6": all heads of some nodes, with positions where heads act at named ones.
std::string text_of(const CircuitNodes& nodes, const PromptSet& prompts);

/// |Σ over prompts of to − from|, prompts without one of them left out.
double total_change(const std::vector<double>& from, const std::vector<double>& to);

/// Three labels and their values: of a model without nodes, of the circuit without them, and the
/// difference, [label, prompt].
void append_difference(const std::vector<double>& model, const std::vector<double>& circuit,
                       std::vector<double>& values);

/// A table of knockouts with these nodes, begun by table_of, with everything but axes and values.
EffectTable knockout_table(Session& session, EffectTable table, const KnockoutSettings& settings,
                           const Baselines& baselines, const CircuitNodes& nodes);
/// The same of a circuit that was chosen, with its warning among the notes.
EffectTable knockout_table(Session& session, EffectTable table, const CircuitKnockouts& knockouts,
                           const Baselines& baselines, const CircuitNodes& nodes);

}  // namespace patchbay::experiments
