// Ctrl-C and SIGTERM: the first asks the run to stop, the second ends the process.
#include "cli/interruption.h"

#include <sys/time.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <utility>

#include "patchbay/base/error.h"
#include "patchbay/base/stop_check.h"

namespace patchbay::cli {
namespace {

// A signal handler may touch lock-free atomics only.
std::atomic<RunContext*> running{nullptr};
std::atomic<int> signal_number{0};
static_assert(std::atomic<RunContext*>::is_always_lock_free);
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void stop_the_run(int number) {
  signal_number.store(number);
  if (RunContext* ctx = running.load()) ctx->cancel();
}

}  // namespace

void install_signal_handlers() {
  set_stop_check(&check_interrupted);
  struct sigaction action {};
  action.sa_handler = &stop_the_run;
  // The next signal of its kind acts as if there were no handler. Without SA_RESTART, so that a
  // read from a terminal returns.
  action.sa_flags = SA_RESETHAND;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

void start_timeout(double seconds) {
  struct sigaction action {};
  action.sa_handler = &stop_the_run;
  sigemptyset(&action.sa_mask);
  sigaction(SIGALRM, &action, nullptr);
  const double whole = std::floor(seconds);
  itimerval timer{};
  timer.it_value.tv_sec = static_cast<time_t>(whole);
  timer.it_value.tv_usec = std::max<suseconds_t>(static_cast<suseconds_t>((seconds - whole) * 1e6),
                                                 whole == 0.0 ? 1 : 0);
  setitimer(ITIMER_REAL, &timer, nullptr);
}

int received_signal() { return signal_number.load(); }

void check_interrupted() {
  if (received_signal() != 0) {
    throw Error(ErrorKind::kInterrupted, "run", "interrupted before it was done");
  }
}

InterruptibleContext::InterruptibleContext(RunOptions options) : ctx_(std::move(options)) {
  running.store(&ctx_);
  if (received_signal() != 0) ctx_.cancel();
}

InterruptibleContext::~InterruptibleContext() { running.store(nullptr); }

}  // namespace patchbay::cli
