// Ctrl-C and SIGTERM: the first asks the run to stop, the second ends the process.
#pragma once

#include "patchbay/base/run_context.h"

namespace patchbay::cli {

/// Handles SIGINT and SIGTERM from now on, and has writes to a closed pipe fail, not kill.
void install_signal_handlers();

/// Stops the run as Ctrl-C does, by SIGALRM, after so many seconds.
void start_timeout(double seconds);

/// The signal that came, 0 for none.
int received_signal();

/// Throws Error(kInterrupted) when a signal came.
void check_interrupted();

/// A context that signals cancel. One at a time.
class InterruptibleContext {
 public:
  explicit InterruptibleContext(int threads)
      : InterruptibleContext(RunOptions{.threads = threads}) {}
  explicit InterruptibleContext(RunOptions options);
  ~InterruptibleContext();
  InterruptibleContext(const InterruptibleContext&) = delete;
  InterruptibleContext& operator=(const InterruptibleContext&) = delete;

  operator const RunContext&() const { return ctx_; }  // NOLINT: implicit, to be passed as one

 private:
  RunContext ctx_;
};

}  // namespace patchbay::cli
