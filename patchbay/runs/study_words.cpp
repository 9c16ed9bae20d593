#include "patchbay/runs/study_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace patchbay::runs {

std::string about_reference(const ReferenceModel& reference) {
  return fmt::format(
      "left out: this is about {} ({} layers of {} heads, d_model {}); heads of other models have "
      "other jobs under the same numbers",
      reference.name, reference.n_layers, reference.n_heads, reference.d_model);
}

std::string about_missing(const StudyCircuit& circuit, const std::string& role, bool found) {
  if (!found) return "left out: no circuit was found";
  const StudyCircuit::Role& where = circuit.roles.at(role);
  return fmt::format(
      "left out: in this model's circuit no head stands in for the {} heads: none was found {} "
      "step{} from the logits at {}",
      role, where.steps, where.steps == 1 ? "" : "s", where.position);
}

StudySection section_of(const StudyStep& step, const std::string& left_out,
                        std::vector<StudyList> lists) {
  return {.id = step.id,
          .experiment = step.experiment,
          .title = step.title,
          .text = step.text,
          .left_out = left_out,
          .lists = std::move(lists)};
}

StudyStep patterns_step(const std::vector<std::string>& heads) {
  return {.where = "",
          .id = std::string(kPatternsId),
          .experiment = "attention_patterns",
          .title = "Attention patterns of the heads that stand out",
          .text =
              "Whole patterns of the heads with the largest effects above, on clean prompts. In "
              "the report a click on a head shows its pattern on any prompt.",
          .settings = {{"nodes", fmt::format("{}", fmt::join(heads, ","))},
                       {"dest-positions", "every"},
                       {"src-positions", "every"},
                       {"side", "clean"}},
          .show = {},
          .published = {},
          .heads_of = {}};
}

}  // namespace patchbay::runs
