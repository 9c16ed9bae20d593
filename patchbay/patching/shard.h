// A part of what several processes compute together.
#pragma once

#include <cstdint>

namespace patchbay {

/// Of all values in the order in which they are asked for, every count-th, from `number` on.
struct Shard {
  std::int64_t number = 0;
  std::int64_t count = 1;
};

}  // namespace patchbay
