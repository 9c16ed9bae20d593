#include "patchbay/base/stop_check.h"

#include <atomic>

namespace patchbay {
namespace {

std::atomic<void (*)()> stop_check_function{nullptr};

}  // namespace

void set_stop_check(void (*check)()) { stop_check_function.store(check); }

void stop_check() {
  if (void (*check)() = stop_check_function.load(std::memory_order_relaxed)) check();
}

}  // namespace patchbay
