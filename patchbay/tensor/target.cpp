// The instruction set that the operations run on.
#include "patchbay/tensor/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "patchbay/tensor/target.cpp"
#include "patchbay/base/utf8.h"
#include "patchbay/tensor/targets.h"
// targets.h comes first: it chooses what foreach_target.h compiles.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"

HWY_BEFORE_NAMESPACE();
namespace patchbay {
namespace HWY_NAMESPACE {
namespace {

std::int64_t ThisTarget() { return HWY_TARGET; }
bool HasFma() { return HWY_NATIVE_FMA != 0; }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace patchbay
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace patchbay {
namespace {

HWY_EXPORT(ThisTarget);
HWY_EXPORT(HasFma);

// The number of the target that a ScopedTarget chose; 0 while none lives.
std::int64_t chosen_target = 0;

}  // namespace

Target current_target() {
  const std::int64_t number = HWY_DYNAMIC_DISPATCH(ThisTarget)();
  return {hwy::TargetName(number), HWY_DYNAMIC_DISPATCH(HasFma)(), number};
}

std::vector<Target> targets() {
  std::vector<Target> result;
  for (const std::int64_t number : hwy::SupportedAndGeneratedTargets()) {
    const ScopedTarget scope({hwy::TargetName(number), false, number});
    result.push_back(current_target());
  }
  return result;
}

void require_fused_multiply_add() {
  // Whoever chose a target may choose the reference, slow as it is.
  if (current_target().has_fma || chosen_target != 0) return;
  throw Error(ErrorKind::kUsage, "processor",
              "this processor has no fused multiply-add (AVX2 with FMA on x86-64), and patchbay's "
              "exact arithmetic needs it; run it on a processor made since 2013");
}

Target find_target(const std::string& name) {
  std::vector<std::string> names;
  for (const Target& target : targets()) {
    if (target.name == name) return target;
    names.push_back(target.name);
  }
  throw Error(ErrorKind::kUsage, "`target`",
              fmt::format("this machine has no instruction set \"{}\"{}; there are {}", name,
                          did_you_mean(name, names), fmt::join(names, ", ")));
}

ScopedTarget::ScopedTarget(const Target& target) : previous_(chosen_target) {
  hwy::SetSupportedTargetsForTest(0);
  if ((target.highway & hwy::SupportedTargets()) == 0) {
    hwy::SetSupportedTargetsForTest(previous_);
    throw Error(ErrorKind::kUsage, "target",
                fmt::format("this machine has no instruction set {}; take one of targets()",
                            in_quotes(target.name)));
  }
  chosen_target = target.highway;
  hwy::SetSupportedTargetsForTest(chosen_target);
}
ScopedTarget::~ScopedTarget() {
  chosen_target = previous_;
  hwy::SetSupportedTargetsForTest(chosen_target);
}

}  // namespace patchbay
#endif
