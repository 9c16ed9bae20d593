// The instruction set that the operations run on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace patchbay {

/// One compiled instruction set that this processor can run.
struct Target {
  std::string name;          ///< Highway's name: "AVX2", "AVX3" (AVX-512), "NEON", …
  bool has_fma = false;      ///< false: the slow reference, std::fma lane by lane
  std::int64_t highway = 0;  ///< Highway's number for it
};

/// The targets of this machine, best first. All compute the same bits.
std::vector<Target> targets();
/// The target that operations use now.
Target current_target();
/// Throws kUsage when the processor has no fused multiply-add: it could only run the reference.
void require_fused_multiply_add();
/// The target of that name. Throws kUsage, with the names there are, when this machine has none.
Target find_target(const std::string& name);

/// Runs operations of the whole process on one target while it lives: for tests, for
/// --target and for the self-check; then the former one again. Not to be used while another thread
/// computes.
class ScopedTarget {
 public:
  /// Throws kUsage for a target that this machine does not have.
  explicit ScopedTarget(const Target& target);
  ~ScopedTarget();
  ScopedTarget(const ScopedTarget&) = delete;
  ScopedTarget& operator=(const ScopedTarget&) = delete;

 private:
  std::int64_t previous_;
};

}  // namespace patchbay
