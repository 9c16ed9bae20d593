// A report: one HTML file that needs no network, with every figure in it and plain scripts beside.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "patchbay/report/svg.h"
#include "patchbay/results/effect_table.h"
#include "patchbay/results/study_result.h"

namespace patchbay {

/// One result on the page.
struct PageSection {
  StudySection section;
  std::optional<EffectTable> table;  ///< the result; none where the section was left out
  /// Pictures beside the table's own: what they show, and the picture.
  std::vector<std::pair<std::string, Drawing>> more{};
};

struct Page {
  std::string title;
  std::string text;
  std::string model;
  std::string command;  ///< the command that makes the page
  std::string
      attention_command;  ///< the command that makes one head's patterns; HEAD names the head
  std::vector<KnownHeads> known;
  std::vector<PageSection> sections;
};

/// The page. Sections are put into chapters by their experiments: prompts, baselines, attribution,
/// activation patching, path patching, heads, circuit, and the rest. It holds no address and asks
/// for nothing: its content-security policy allows its own style and script alone, by their
/// digests. Texts of results are shown as they are and are never markup. The same results give the
/// same bytes. Throws kUsage for sections that check_section refuses and for tables that break a
/// rule.
std::string html_page(const Page& page);

}  // namespace patchbay
