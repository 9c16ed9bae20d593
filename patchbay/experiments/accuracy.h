// How well the model does the task, without patching: every metric of each prompt, clean and
// corrupted, and what it says instead.
#pragma once

#include "patchbay/experiments/settings_common.h"

namespace patchbay::experiments {

struct Accuracy {
  static constexpr std::string_view kName = "accuracy";
  static constexpr std::string_view kSummary =
      "how well the model does the task: a line per prompt";

  /// Metrics of the last position of one run, or "wrong_prob"; each once.
  std::vector<std::string> metrics = {"accuracy", "io_over_s",  "logit_diff",
                                      "prob",     "wrong_prob", "rank"};

  template <class Visitor>
  void visit(Visitor& v) {
    v("metrics", metrics,
      "which numbers of each prompt; wrong_prob is the probability of the wrong answer");
  }
};

/// Throws what `run` would throw, without running anything.
void check(Session& session, const Accuracy& settings);
/// [side, metric, prompt]
EffectTable run(Session& session, const Accuracy& settings);
/// The entry in the list of experiments.
const Experiment& accuracy();

}  // namespace patchbay::experiments
