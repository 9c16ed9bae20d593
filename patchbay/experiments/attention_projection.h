// What a head that looks at a name writes in its direction (Wang et al. 2022, Figure 3c): attention
// from END to a name against the projection of the head's output on that name's unembedding.
#pragma once

#include "patchbay/experiments/settings_common.h"

namespace patchbay::experiments {

struct AttentionProjection {
  static constexpr std::string_view kName = "attention_projection";
  static constexpr std::string_view kSummary =
      "attention to a name against what the head writes in its direction (scatter)";

  /// What attention to S is: to S1 and S2 together, or to S1 alone.
  enum class Subject { kSum, kFirst };
  static constexpr Choice<Subject> kSubjects[] = {{"sum", Subject::kSum},
                                                  {"first", Subject::kFirst}};

  Subject subject = Subject::kSum;

  template <class Visitor>
  void visit(Visitor& v) {
    v("subject", subject, one_of(kSubjects),
      "attention to S: sum: to S1 and S2 together, as the paper's code has it; first: to S1 alone, "
      "as ARENA has it");
  }
};

/// Throws what `run` would throw, without running anything.
void check(Session& session, const AttentionProjection& settings);
/// [quantity, name, layer, head, prompt]; NaN where a prompt does not name whom.
EffectTable run(Session& session, const AttentionProjection& settings);
/// The entry in the list of experiments.
const Experiment& attention_projection();

}  // namespace patchbay::experiments
