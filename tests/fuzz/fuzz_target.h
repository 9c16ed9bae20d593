// What fuzz targets share. tests/fuzz/targets/NAME.cpp defines `void fuzz_NAME(std::string_view)`;
// adding the file is all it takes.
//
// A target reads hostile bytes with one parser and throws when a promise is broken: whatever is
// read is accepted or refused with an Error, in one line; what was written reads back as the same;
// and nothing that the strict parser accepts means something else to a simple second one.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/base/error.h"

namespace patchbay::fuzz {

/// Throws std::logic_error, which no target catches: libFuzzer and the tests both stop there.
void require(bool holds, std::string_view promise);

/// Whether `read` accepts its input. It may refuse with any Error but an internal one, in one line.
template <typename Read>
bool accepts(const Read& read) {
  try {
    read();
    return true;
  } catch (const Error& error) {
    const std::string_view text = error.what();
    require(error.kind() != ErrorKind::kInternal, text);
    require(text.find('\n') == std::string_view::npos, "an error is one line");
    return false;
  }
}

/// A file with these bytes, in memory, until the next call.
std::filesystem::path memory_file(std::string_view bytes);
/// A folder of this process, in memory where the system has such folders. It may hold files.
const std::filesystem::path& folder();
/// Writes FOLDER/name.
std::filesystem::path file_in_folder(std::string_view name, std::string_view bytes);
std::string bytes_of(const std::filesystem::path& path);

/// The parts between lines of three dashes, at least `count`: missing ones are empty.
std::vector<std::string_view> parts(std::string_view data, std::size_t count);

}  // namespace patchbay::fuzz
