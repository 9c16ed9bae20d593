// What the tests of runs/ share: contexts that stop a run, and the errors of wrong calls.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "patchbay/base/error.h"
#include "patchbay/base/run_context.h"
#include "patchbay/runs/run.h"

namespace patchbay::runs {

/// So little memory that a sweep is done in many pieces.
inline constexpr std::int64_t kLittleMemory = std::int64_t{3} << 20;

/// The model that ships with patchbay on some prompts of the paper's task.
inline const std::string kModel = "ioi-small";
inline TaskChoice ioi(std::int64_t prompts) {
  return {.name = "ioi", .options = {.prompts = prompts}};
}

/// What the error of a call says; "no error" when there is none.
inline std::string error_of(ErrorKind kind, const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  return "no error";
}

/// A context whose run is cancelled once it has reported this share of its work as done.
class StoppedContext {
 public:
  explicit StoppedContext(double share)
      : ctx_({.threads = 1,
              .max_memory = kLittleMemory,
              .progress = [this, share](std::int64_t done, std::int64_t total) {
                if (static_cast<double>(done) > share * static_cast<double>(total)) ctx_.cancel();
              }}) {}

  operator const RunContext&() const { return ctx_; }  // NOLINT: implicit, to be passed as one

 private:
  RunContext ctx_;
};

}  // namespace patchbay::runs
