#include "patchbay/base/error.h"

#include <fmt/format.h>

#include "patchbay/base/visible_text.h"

namespace patchbay {

Error::Error(ErrorKind kind, std::string_view where, std::string_view what)
    : std::runtime_error(visible_text(fmt::format("[{}] {}", where, what))), kind_(kind) {}

}  // namespace patchbay
