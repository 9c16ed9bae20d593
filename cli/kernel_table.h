// The tables that the kernel keeps as text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace patchbay::cli {

/// Bytes, from a line such as "MemTotal:  8036212 kB" of /proc/meminfo or /proc/self/status;
/// nothing where the system does not tell.
std::optional<std::int64_t> kernel_bytes(const std::string& table, std::string_view what);

}  // namespace patchbay::cli
