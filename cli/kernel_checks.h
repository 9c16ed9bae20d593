// Checks of the vector kernels against scalar chains, on every instruction set of this machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "patchbay/base/run_context.h"

namespace patchbay::cli {

/// One operation on one instruction set.
struct KernelCheck {
  std::string target;
  std::string operation;
  std::int64_t compared = 0;  ///< numbers compared, bit for bit
  std::string difference{};   ///< the first one that differs; empty when all are equal
};

/// All of them, target by target. Nothing else may compute meanwhile.
std::vector<KernelCheck> check_kernels(const RunContext& ctx);

}  // namespace patchbay::cli
