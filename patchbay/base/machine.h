// What this machine is and how much memory there is, as its kernel tells.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace patchbay {

/// Instructions that a processor has or has not.
struct ProcessorFeature {
  std::string name;  ///< "FMA", "AVX2", "AVX-512"
  bool there = false;
};

/// Those that the speed of models depends on; of a processor that is no x86-64, none.
std::vector<ProcessorFeature> processor_features();

/// Bytes of memory. Each is absent where the system does not tell.
struct Memory {
  std::optional<std::int64_t> total;      ///< of the machine
  std::optional<std::int64_t> available;  ///< to whoever asks for some now
  std::optional<std::int64_t> resident;   ///< of this process, now
  std::optional<std::int64_t> peak;       ///< of this process, the most so far
};

/// As Linux has it in /proc/meminfo and /proc/self/status.
Memory memory();

}  // namespace patchbay
