// A study's results as the page of a report.
#pragma once

#include <map>
#include <string>

#include "patchbay/report/page.h"

namespace patchbay::cli {

/// Adds the sections of a study, each with its table where it has one, and the study's words where
/// the page has none yet.
void add_study(Page& page, const StudyResult& study,
               const std::map<std::string, EffectTable>& tables);

/// The heads that stand out in tables of layers and heads (activation and path patching: the four
/// largest effects of each) and all heads of a circuit's edges, 16 at most: "9.6", sorted.
std::vector<std::string> heads_that_matter(const std::map<std::string, EffectTable>& tables);

}  // namespace patchbay::cli
