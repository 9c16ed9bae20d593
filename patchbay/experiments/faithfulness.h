// Faithfulness (Wang et al. 2022, section 4): how much of what a model does its circuit does alone,
// every other head putting out an average.
#pragma once

#include "patchbay/experiments/circuit_common.h"

namespace patchbay::experiments {

struct Faithfulness {
  static constexpr std::string_view kName = "faithfulness";
  static constexpr std::string_view kSummary =
      "what a circuit does alone, every other head putting out an average";
  static constexpr ExampleText kExample[] = {kCircuitExample};
  static constexpr bool kCanBeSharded = true;

  CircuitChoice circuit = {};
  bool anyway = false;                                    ///< take a circuit of another model
  Source source = {.kind = SourceKind::kMeanByTemplate};  ///< what heads put out instead
  const metrics::Metric* metric = &metrics::find("logit_diff");
  bool ablate_mlps = false;
  EffectKind effect = EffectKind::kPercentOfClean;

  template <class Visitor>
  void visit(Visitor& v) {
    visit_knockout(v, *this);
    v("effect", effect, kEffectHelp);
  }
};

/// Throws what `run` would throw, without running anything.
void check(Session& session, const Faithfulness& settings);
/// [kept, prompt]: the metric of the circuit alone, without each of its classes, without any head.
EffectTable run(Session& session, const Faithfulness& settings);
/// The entry in the list of experiments.
const Experiment& faithfulness();

}  // namespace patchbay::experiments
