// The files of a folder by their names, to compare what two runs wrote.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "patchbay/io/file.h"

namespace patchbay::testing {

/// Of the folder itself, not of those in it.
inline std::map<std::string, std::string> contents_of(const std::filesystem::path& folder) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    contents[entry.path().filename().string()] = read_file(entry.path(), std::uint64_t{1} << 30);
  }
  return contents;
}

}  // namespace patchbay::testing
