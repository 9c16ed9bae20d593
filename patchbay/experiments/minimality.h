// Minimality (Wang et al. 2022, section 4.2): whether a circuit needs each of its heads. For a head
// v there should be a set K of other heads such that the circuit without K changes much when v goes
// too.
#pragma once

#include "patchbay/experiments/circuit_common.h"

namespace patchbay::experiments {

struct Minimality {
  static constexpr std::string_view kName = "minimality";
  static constexpr std::string_view kSummary = "whether a circuit needs each of its heads";
  static constexpr ExampleText kExample[] = {kCircuitExample};
  static constexpr bool kCanBeSharded = true;

  /// The set K: nothing or the rest of the head's class, the rest of it, or the paper's.
  enum class Sets { kFound, kRest, kPublished };
  static constexpr Choice<Sets> kSets[] = {
      {"found", Sets::kFound}, {"rest", Sets::kRest}, {"published", Sets::kPublished}};

  CircuitChoice circuit = {};
  bool anyway = false;                                    ///< take a circuit of another model
  Source source = {.kind = SourceKind::kMeanByTemplate};  ///< what heads put out instead
  const metrics::Metric* metric = &metrics::find("logit_diff");
  bool ablate_mlps = false;
  Sets k = Sets::kFound;

  template <class Visitor>
  void visit(Visitor& v) {
    visit_knockout(v, *this);
    v("k", k, one_of(kSets),
      "what is away already: found: nothing or the rest of the head's class, whichever shows more "
      "of it; rest: the rest of its class; published: the sets of the paper's figure 20");
  }
};

/// Throws what `run` would throw, without running anything.
void check(Session& session, const Minimality& settings);
/// [node, circuit, prompt]: the metric of the circuit without K, without K and the node, the
/// change.
EffectTable run(Session& session, const Minimality& settings);
/// The entry in the list of experiments.
const Experiment& minimality();

}  // namespace patchbay::experiments
