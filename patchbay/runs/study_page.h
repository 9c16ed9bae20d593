// A study's results as the page of a report.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "patchbay/report/page.h"
#include "patchbay/results/study_result.h"
#include "patchbay/study/study.h"

namespace patchbay::runs {

/// Adds the sections of a study, each with its table where it has one, and the study's words where
/// the page has none yet.
void add_study(Page& page, const StudyResult& study,
               const std::map<std::string, EffectTable>& tables);

/// The heads that stand out in tables of layers and heads (activation and path patching: the four
/// largest effects of each) and all heads of a circuit's edges, 16 at most: "9.6", sorted.
std::vector<std::string> heads_that_matter(const std::map<std::string, EffectTable>& tables);

/// Heads with names, to be circled: on the reference model those that the study says were published
/// about it, else the classes of the circuit that was found.
std::vector<KnownHeads> known_heads(const Study& study, bool is_reference,
                                    const std::map<std::string, EffectTable>& tables);

}  // namespace patchbay::runs
