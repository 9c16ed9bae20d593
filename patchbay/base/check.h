// Checks of what a caller gives, which every public function makes before it computes.
#pragma once

#include <cstdint>
#include <string_view>

namespace patchbay {

/// Throws Error(kUsage) unless 0 ≤ index < count: "[cache] there is no layer 7; there are 0 to 2".
void check_index(std::string_view where, std::string_view what, std::int64_t index,
                 std::int64_t count);

}  // namespace patchbay
