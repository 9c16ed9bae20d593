// Previous-token, duplicate-token and induction scores of every head, on random tokens that are
// repeated once (Olsson et al. 2022; Wang et al. 2022, appendix H).
#pragma once

#include "patchbay/experiments/settings_common.h"

namespace patchbay::experiments {

struct HeadScores {
  static constexpr std::string_view kName = "head_scores";
  static constexpr std::string_view kSummary =
      "previous-token, duplicate-token and induction scores on repeated random tokens";

  std::int64_t sequences = 4;
  std::int64_t length = 100;  ///< tokens before the repetition, without BOS
  std::uint64_t token_seed = 0;

  template <class Visitor>
  void visit(Visitor& v) {
    v("sequences", sequences, Range{1, 1000},
      "how many sequences of random tokens; of the task's prompts only BOS matters, with which "
      "sequences begin where they do");
    v("length", length, Range{2, 1'000'000},
      "how many tokens are repeated; fewer where the model reads fewer positions");
    v("token-seed", token_seed, "of the random tokens");
  }
};

/// Throws what `run` would throw, without running anything.
void check(Session& session, const HeadScores& settings);
/// [score, layer, head, prompt]: mean attention, of which a prompt is one random sequence.
EffectTable run(Session& session, const HeadScores& settings);
/// The entry in the list of experiments.
const Experiment& head_scores();

}  // namespace patchbay::experiments
