// How far a run is, on standard error: a line that moves on a terminal, plain lines elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "cli/output.h"

namespace patchbay::cli {

/// Says nothing in the first second, and nothing with --quiet. On a terminal a bar with rate and
/// remaining time, ten times a second at most; elsewhere a line after a second and every ten.
class Progress {
 public:
  /// What is being done from now on: the name of a step.
  void begin(std::string what);
  /// For RunOptions::progress. The Progress must outlive it.
  [[nodiscard]] std::function<void(std::int64_t, std::int64_t)> function();
  /// Leaves the terminal's line free for what comes next.
  void clear() { line_.clear(); }

 private:
  using Clock = std::chrono::steady_clock;
  void show(std::int64_t done, std::int64_t total);

  StatusLine line_;
  std::string what_;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point shown_{};
  std::int64_t first_ = -1;  // what was done when it began: kept rows of an interrupted run
  std::int64_t last_ = 0;
};

}  // namespace patchbay::cli
