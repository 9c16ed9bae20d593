// The nearest known name to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace patchbay {

/// The candidate with the smallest edit distance to `name` (insert, delete, replace, swap of
/// neighbours; case ignored), or "" when none is near enough to be what was meant.
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

/// `; did you mean "hook_z"?`, or "" when no candidate is near: ready to append to an error.
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

}  // namespace patchbay
