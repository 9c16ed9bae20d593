// Whether the arithmetic of this machine is the one that results rely on: the vector kernels
// against scalar chains, on every instruction set that it has.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "patchbay/base/run_context.h"

namespace patchbay {

/// One operation on one instruction set.
struct KernelCheck {
  std::string target;         ///< "AVX2", as Target has it
  std::string operation;      ///< "matmul", "softmax", "gelu_new", …
  std::int64_t compared = 0;  ///< numbers compared, bit for bit
  std::string difference{};   ///< the first one that differs; empty when all are equal

  [[nodiscard]] bool holds() const { return difference.empty(); }
};

/// Runs every operation on every target of this machine, in some 50 ms, and compares it with a
/// chain of scalar operations: target by target, best first. What differs is in the result. Nothing
/// else may compute meanwhile, because the whole process uses one target after the other. Throws
/// kUsage for a context that is at work, kInterrupted.
std::vector<KernelCheck> check_kernels(const RunContext& ctx);

}  // namespace patchbay
