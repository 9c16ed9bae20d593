#include "patchbay/base/error.h"

#include <fmt/format.h>

#include <algorithm>

#include "patchbay/base/visible_text.h"

namespace patchbay {

Error::Error(ErrorKind kind, std::string_view where, std::string_view what)
    : std::runtime_error(visible_text(fmt::format("[{}] {}", where, what))), kind_(kind) {}

std::string_view Error::reason() const {
  const std::string_view text = what();
  return text.substr(std::min(text.find("] ") + 2, text.size()));
}

}  // namespace patchbay
