// Finds the heads that do a task, the paths between them, how much of the task they do alone, and
// how far all this depends on the prompts at hand.
#pragma once

#include "patchbay/experiments/circuit_common.h"

namespace patchbay::experiments {

struct FindCircuit {
  static constexpr std::string_view kName = "find_circuit";
  static constexpr std::string_view kSummary =
      "the heads that do a task and the paths between them, from the logits backwards";
  static constexpr ExampleText kExample[] = {{"threshold", "10"}};

  double threshold = 5.0;       ///< percent, more than 0
  std::int64_t max_nodes = 30;  ///< heads at positions
  std::int64_t max_steps = 6;   ///< from the logits
  std::int64_t samples = 2;
  const metrics::Metric* metric = &metrics::find("logit_diff");
  Source source = {.kind = SourceKind::kMeanByTemplate};  ///< of faithfulness, no noise

  template <class Visitor>
  void visit(Visitor& v) {
    v("threshold", threshold,
      "percent of the clean metric that a path must change, up or down, for its sender to count");
    v("max-nodes", max_nodes, Range{1, 10'000}, "how many heads at positions the circuit may have");
    v("max-steps", max_steps, Range{1, 1000}, "how far back from the logits");
    v("samples", samples, Range{1, 2},
      "2: also search each half of the prompts, to see what varies; 1: do not");
    v("metric", metric, kMetricHelp);
    visit_average(v, source,
                  "what other heads put out when the circuit's faithfulness is measured: "
                  "mean_by_template, mean_by_position, mean, zero, resample, other");
  }
};

/// Throws what `run` would throw, without running anything.
void check(Session& session, const FindCircuit& settings);
/// [edge, prompt]: the metric with each path patched. Throws FieldError when no path from a head to
/// the logits changes it by the threshold.
EffectTable run(Session& session, const FindCircuit& settings);
/// The entry in the list of experiments.
const Experiment& find_circuit();

}  // namespace patchbay::experiments
