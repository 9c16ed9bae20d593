// The chapters of a report, and which experiments belong to each.
#pragma once

#include <span>
#include <string_view>

namespace patchbay {

struct Chapter {
  std::string_view id;
  std::string_view title;
  std::string_view text;  ///< two sentences: what is seen, and how not to misread it
  std::span<const std::string_view> experiments;
};

/// In the order in which an analysis goes. The last takes what no other takes.
std::span<const Chapter> chapters();
/// The chapter of an experiment.
const Chapter& chapter_of(std::string_view experiment);

}  // namespace patchbay
