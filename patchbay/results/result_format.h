// Constants of the result format, shared by its writer and its reader.
#pragma once

#include <cstdint>
#include <string_view>

namespace patchbay {

inline constexpr std::string_view kResultFormat = "patchbay-result";
/// Goes up when a reader of the old number would misread the new files.
inline constexpr std::int64_t kResultFormatVersion = 1;

inline constexpr std::string_view kTestName = "two-sided paired sign-flip test of raw effects";
inline constexpr std::string_view kCorrectionName = "Holm";

}  // namespace patchbay
