#include "cli/kernel_table.h"

#include <fstream>
#include <sstream>

namespace patchbay::cli {

std::optional<std::int64_t> kernel_bytes(const std::string& table, std::string_view what) {
  std::ifstream lines(table);
  std::int64_t kilobytes = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(what) || !line.substr(what.size()).starts_with(':')) continue;
    std::istringstream(line.substr(what.size() + 1)) >> kilobytes;
    return kilobytes * 1024;
  }
  return std::nullopt;
}

}  // namespace patchbay::cli
