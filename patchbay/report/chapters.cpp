#include "patchbay/report/chapters.h"

#include <algorithm>

namespace patchbay {
namespace {

using Names = std::string_view[];
constexpr Names kBaselines = {"accuracy"};
constexpr Names kAttribution = {"direct_logit_attribution", "logit_lens"};
constexpr Names kActivation = {"activation_patching", "causal_tracing"};
constexpr Names kPaths = {"path_patching"};
constexpr Names kHeads = {"attention_patterns", "attention_projection", "copy_scores",
                          "head_scores"};
constexpr Names kCircuit = {"find_circuit", "faithfulness", "completeness", "minimality"};

constexpr Chapter kChapters[] = {
    {"baselines", "Baselines",
     "What the model does on clean and on corrupted prompts before anything is patched. Patching "
     "explains a behaviour that is there: where the model does not do the task, stop here.",
     kBaselines},
    {"attribution", "Attribution",
     "What each part of the model writes towards the answer, read off one ordinary run. It is the "
     "direct share alone: a part that works through others scores nothing here and may still be "
     "needed.",
     kAttribution},
    {"activation-patching", "Activation patching",
     "One activation of one run is put into the other, and everything after it reacts. Large means "
     "that what the place holds matters for the answer, not that the place writes the answer "
     "itself.",
     kActivation},
    {"path-patching", "Path patching",
     "Only what goes along chosen paths changes, everything else is held. The sign follows the "
     "effect's formula: corrupted values in the clean run make a head that the answer needs "
     "negative.",
     kPaths},
    {"heads", "What heads look at and write",
     "Attention patterns and scores that say what kind of thing a head does. They are "
     "descriptions, and none of them shows that the model uses it: that is what patching is for.",
     kHeads},
    {"circuit", "Circuit",
     "A few heads at a few positions, the paths between them, and how much of the behaviour they "
     "keep by themselves. A circuit that keeps all of it need be neither complete nor the only "
     "one.",
     kCircuit},
    {"others",
     "Other results",
     "Results of other experiments. Read the definition of the effect above each figure first.",
     {}}};

}  // namespace

std::span<const Chapter> chapters() { return kChapters; }

const Chapter& chapter_of(std::string_view experiment) {
  for (const Chapter& chapter : kChapters) {
    if (std::ranges::find(chapter.experiments, experiment) != chapter.experiments.end()) {
      return chapter;
    }
  }
  return kChapters[std::size(kChapters) - 1];
}

}  // namespace patchbay
