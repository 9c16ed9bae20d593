// Two results side by side: what differs, as a list, as JSON and as a page.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "patchbay/report/page.h"
#include "patchbay/report/text_table.h"
#include "patchbay/results/comparison.h"
#include "patchbay/results/statistics.h"
#include "patchbay/results/study_result.h"

namespace patchbay {

/// One of two results.
struct ComparedSide {
  std::string name;                ///< "first: gpt2, ioi, without BOS, 20 prompts"
  std::vector<CellSummary> cells;  ///< of the effect that is compared
};

struct SideBySide {
  Comparison both;
  EffectKind effect;
  ComparedSide first;
  ComparedSide second;
  TableStatistics difference;

  /// second - first at every place.
  [[nodiscard]] const std::vector<CellSummary>& cells() const {
    return difference.effects.front().cells;  // raw: the difference has no other effect
  }
};

/// Throws as compare.
SideBySide side_by_side(const EffectTable& first, const EffectTable& second, EffectKind effect,
                        const ComparisonOptions& options = {});

/// The places with the largest differences by magnitude, `top` at most, and how far both agree.
StudyList largest_differences(const SideBySide& compared, std::int64_t top);

/// The difference as text: both names, its grid, and its `top` largest places.
std::string side_by_side_text(const SideBySide& compared, std::int64_t top, const TextStyle& style);

/// Every place, as JSON.
std::string to_json(const SideBySide& compared);

/// Both results, their difference and a plot of one against the other. `command` makes the page.
Page page_of(const SideBySide& compared, std::int64_t top, const std::string& command);

}  // namespace patchbay
