// Whether a head that attends to a name alone would say it: copy scores (Wang et al. 2022, section
// 3.1, check_copy_circuit in its code; ARENA's get_copying_scores).
#pragma once

#include "patchbay/experiments/settings_common.h"

namespace patchbay::experiments {

struct CopyScores {
  static constexpr std::string_view kName = "copy_scores";
  static constexpr std::string_view kSummary =
      "whether a head that attends to a name alone would say it, or the opposite";

  /// Whose copy scores: the paper's, or ARENA's.
  enum class Definition { kPaper, kArena };
  static constexpr Choice<Definition> kDefinitions[] = {{"paper", Definition::kPaper},
                                                        {"arena", Definition::kArena}};

  Definition definition = Definition::kPaper;
  std::vector<std::string> names = {"IO", "S1", "S2"};  ///< positions of the task
  std::int64_t top_tokens = 5;                          ///< at most the vocabulary's size

  template <class Visitor>
  void visit(Visitor& v) {
    v("definition", definition, one_of(kDefinitions),
      "paper: the stream after block 0 at each name, through ln1 and the head's OV circuit with "
      "its biases; arena: the name's embedding and MLP 0's answer to it, through OV without norm "
      "and bias");
    v("names", names, "the positions of names");
    v("top-tokens", top_tokens,
      "a name counts as copied when it is among so many of the likeliest tokens");
  }
};

/// Throws what `run` would throw, without running anything.
void check(Session& session, const CopyScores& settings);
/// [sign, layer, head, prompt]: the share of a prompt's names that a head copies, or suppresses.
EffectTable run(Session& session, const CopyScores& settings);
/// The entry in the list of experiments.
const Experiment& copy_scores();

}  // namespace patchbay::experiments
