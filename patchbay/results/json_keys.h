// What the readers of result files share: objects with exactly the keys they should have.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "patchbay/io/json.h"

namespace patchbay {

/// Throws kBadData, with the nearest name, unless the object has exactly these keys.
void require_keys(const JsonValue& object, const std::vector<std::string>& keys);
/// Throws kBadData unless "format" and "format_version" are these; `what` says what the file is
/// then.
void require_format(const JsonValue& root, std::string_view format, std::int64_t version,
                    std::string_view what);
/// The strings of an array.
std::vector<std::string> texts_of(const JsonValue& array);

}  // namespace patchbay
