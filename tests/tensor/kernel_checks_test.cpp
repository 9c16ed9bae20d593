// The check of this machine's arithmetic: it covers every target, and holds.
#include "patchbay/tensor/kernel_checks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "patchbay/tensor/target.h"

namespace patchbay {
namespace {

TEST(KernelChecks, HoldForEveryOperationOnEveryTarget) {
  const std::string before = current_target().name;
  const std::vector<KernelCheck> checks = check_kernels(RunContext({.threads = 2}));
  std::vector<std::string> names;
  for (const KernelCheck& check : checks) {
    EXPECT_TRUE(check.holds()) << check.target << " " << check.operation << check.difference;
    EXPECT_GT(check.compared, 0) << check.operation;
    if (names.empty() || names.back() != check.target) names.push_back(check.target);
  }
  const std::vector<Target> all = targets();
  EXPECT_TRUE(std::ranges::equal(names, all, {}, {}, &Target::name));
  std::set<std::string> operations;
  for (const KernelCheck& check : checks) operations.insert(check.operation);
  EXPECT_EQ(checks.size(), operations.size() * all.size());
  EXPECT_TRUE(operations.contains("matmul") && operations.contains("attention"));
  EXPECT_EQ(current_target().name, before);
}

}  // namespace
}  // namespace patchbay
