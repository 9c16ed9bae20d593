// The circuit that an experiment is about, and how knockouts are set, read from its settings.
#pragma once

#include "patchbay/circuits/knockout.h"
#include "patchbay/experiments/experiment.h"

namespace patchbay::experiments {

/// The options that every experiment on knockouts has. An array, so that others can follow them.
inline constexpr OptionInfo kCircuitOption = {
    "circuit", "",
    "a published one of GPT-2 small (paper, naive, lab), a result file of find_circuit, or heads "
    "such as \"name mover: 9.9 9.6 @ END; previous token: 2.2 @ S1+1\""};
inline constexpr OptionInfo kKnockoutSourceOption = {
    "source", "mean_by_template",
    "what heads put out instead: mean_by_template, mean_by_position, mean, zero, resample, other"};
inline constexpr OptionInfo kKnockoutSeedOption = {"source-seed", "0", "of resample"};
inline constexpr OptionInfo kKnockoutMetricOption = {"metric", "logit_diff", "what is measured"};
inline constexpr OptionInfo kMlpsOption = {
    "mlps", "kept", "kept, or ablated: MLPs outside of a circuit are put out of action too"};

/// Throws kUsage for a circuit that is not there or not of this model and task.
Circuit circuit_of(const Request& request);
KnockoutSettings knockout_settings_of(const Request& request, bool has_mlps);

/// "9.9 9.6": all heads of some nodes, with positions where heads act at named ones.
std::string text_of(const CircuitNodes& nodes, const PromptSet& prompts);

/// |Σ over prompts of to − from|, prompts without one of them left out.
double total_change(const std::vector<double>& from, const std::vector<double>& to);

/// Three labels and their values: of a model without nodes, of the circuit without them, and the
/// difference, [label, prompt].
void append_difference(const std::vector<double>& model, const std::vector<double>& circuit,
                       std::vector<double>& values);

/// A table of knockouts with everything but axes and values.
EffectTable knockout_table(const Request& request, std::string_view experiment,
                           const KnockoutSettings& settings, const Baselines& baselines);

}  // namespace patchbay::experiments
