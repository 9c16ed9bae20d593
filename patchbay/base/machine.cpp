#include "patchbay/base/machine.h"

#include <fstream>
#include <sstream>
#include <string_view>

namespace patchbay {
namespace {

// Of a line such as "MemTotal:  8036212 kB".
std::optional<std::int64_t> bytes_in(const char* table, std::string_view what) {
  std::ifstream lines(table);
  std::int64_t kilobytes = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(what) || !line.substr(what.size()).starts_with(':')) continue;
    std::istringstream(line.substr(what.size() + 1)) >> kilobytes;
    return kilobytes * 1024;
  }
  return std::nullopt;
}

}  // namespace

std::vector<ProcessorFeature> processor_features() {
#if defined(__x86_64__)
  return {{"FMA", __builtin_cpu_supports("fma") != 0},
          {"AVX2", __builtin_cpu_supports("avx2") != 0},
          {"AVX-512", __builtin_cpu_supports("avx512f") != 0}};
#else
  return {};
#endif
}

Memory memory() {
  return {.total = bytes_in("/proc/meminfo", "MemTotal"),
          .available = bytes_in("/proc/meminfo", "MemAvailable"),
          .resident = bytes_in("/proc/self/status", "VmRSS"),
          .peak = bytes_in("/proc/self/status", "VmHWM")};
}

}  // namespace patchbay
