// Completeness (Wang et al. 2022, section 4.1): whether a circuit and the model react alike when
// the same heads are taken from both. Sets are the circuit's classes, random subsets, and those
// that a greedy search finds to tell the two apart.
#pragma once

#include "patchbay/experiments/circuit_common.h"

namespace patchbay::experiments {

struct Completeness {
  static constexpr std::string_view kName = "completeness";
  static constexpr std::string_view kSummary =
      "whether circuit and model react alike when the same heads are taken from both";
  static constexpr ExampleText kExample[] = {kCircuitExample, {"random", "2"}, {"samples", "1"}};

  CircuitChoice circuit = {};
  bool anyway = false;                                    ///< take a circuit of another model
  Source source = {.kind = SourceKind::kMeanByTemplate};  ///< what heads put out instead
  const metrics::Metric* metric = &metrics::find("logit_diff");
  bool ablate_mlps = false;
  std::int64_t random = 5;      ///< subsets
  std::int64_t rounds = 3;      ///< of each greedy search
  std::int64_t candidates = 5;  ///< of each round
  std::int64_t samples = 5;     ///< greedy searches
  std::uint64_t set_seed = 0;

  template <class Visitor>
  void visit(Visitor& v) {
    visit_knockout(v, *this);
    constexpr Range kFew{0, 1000};
    v("random", random, kFew, "how many random subsets; each node is in with probability 1/2");
    v("rounds", rounds, kFew, "of a greedy search: how many nodes it takes away; the paper's 10");
    v("candidates", candidates, Range{1, 1000},
      "of a greedy search: how many nodes it tries for each; the paper's 10");
    v("samples", samples, kFew, "how many greedy searches; the paper's 10");
    v("set-seed", set_seed, "of random subsets and candidates");
  }
};

/// Throws what `run` would throw, without running anything.
void check(Session& session, const Completeness& settings);
/// [removed, from, prompt]: the metric of the model and of the circuit without each set.
EffectTable run(Session& session, const Completeness& settings);
/// The entry in the list of experiments.
const Experiment& completeness();

}  // namespace patchbay::experiments
