// A part of what several processes compute together.
#pragma once

#include <cstdint>

namespace patchbay {

/// One of `count` parts of all values, numbered from 0. Which part a value belongs to follows from
/// what it is the answer to, whatever else is asked, in whatever order or memory.
struct Shard {
  std::int64_t number = 0;
  std::int64_t count = 1;

  /// Whether a value is of this part; `digest` is of everything that it depends on.
  [[nodiscard]] bool has(std::uint64_t digest) const {
    return static_cast<std::int64_t>(digest % static_cast<std::uint64_t>(count)) == number;
  }
};

}  // namespace patchbay
