// How far a download is, on standard error.
#pragma once

#include <chrono>
#include <string>

#include "cli/commands.h"
#include "patchbay/hub/download.h"

namespace patchbay::cli {

/// "548.1 MB"
std::string megabytes(std::uint64_t bytes);

/// A line that is written over and over where standard error is a terminal; else a line now and
/// then. Silent when --quiet.
class TransferDisplay {
 public:
  explicit TransferDisplay(const CommonOptions& common);
  TransferDisplay(const TransferDisplay&) = delete;
  TransferDisplay& operator=(const TransferDisplay&) = delete;
  /// Leaves the terminal's line free for what comes next.
  ~TransferDisplay() { clear(); }

  void note(const std::string& sentence);
  void show(const hub::FileProgress& progress);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  void begin_file(const hub::FileProgress& progress);

  CommonOptions common_;
  bool terminal_;
  bool line_open_ = false;
  std::string file_{};
  std::uint64_t first_ = 0;  // bytes that were there when the file's turn began
  Clock::time_point begin_{};
  Clock::time_point shown_{};
};

}  // namespace patchbay::cli
