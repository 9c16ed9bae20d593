#include "cli/memory_note.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "cli/kernel_table.h"
#include "cli/output.h"

namespace patchbay::cli {
namespace {

constexpr std::int64_t kMebi = std::int64_t{1} << 20;

// "VmRSS" is what is resident now, "VmHWM" the most so far.
std::int64_t resident(std::string_view what) {
  return kernel_bytes("/proc/self/status", what).value_or(0);
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
