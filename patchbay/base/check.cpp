#include "patchbay/base/check.h"

#include <fmt/format.h>

#include "patchbay/base/error.h"

namespace patchbay {

void check_index(std::string_view where, std::string_view what, std::int64_t index,
                 std::int64_t count) {
  if (index >= 0 && index < count) return;
  throw Error(ErrorKind::kUsage, where,
              count <= 0
                  ? fmt::format("there is no {} {}; there are none", what, index)
                  : fmt::format("there is no {} {}; there are 0 to {}", what, index, count - 1));
}

}  // namespace patchbay
