#include "cli/memory_note.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>

#include "cli/output.h"

namespace patchbay::cli {
namespace {

constexpr std::int64_t kKibi = 1024;
constexpr std::int64_t kMebi = kKibi * kKibi;

// Bytes, from a line of /proc/self/status: "VmRSS" is what is resident now, "VmHWM" the most so
// far. 0 where the system does not tell.
std::int64_t resident(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::stoll(line.substr(field.size() + 1)) * kKibi;
  }
  return 0;
}

}  // namespace

std::function<void(std::int64_t)> memory_note(const CommonOptions& common, Progress& progress) {
  const auto said = std::make_shared<std::int64_t>(0);
  return [&common, &progress, said](std::int64_t activations) {
    malloc_trim(0);  // what earlier work gave back is not in use
    const std::int64_t before = resident("VmRSS");
    const std::int64_t most = std::max(resident("VmHWM"), before + activations);
    if (before == 0 || most <= *said + *said / 20) return;
    *said = most;
    progress.clear();
    message(common,
            fmt::format("memory: about {} MiB, of which {} MiB for activations",
                        with_commas(most / kMebi + 1), with_commas(activations / kMebi + 1)));
  };
}

}  // namespace patchbay::cli
