// Where long work that has no RunContext can be stopped: statistics, pictures, pages.
#pragma once

namespace patchbay {

/// What such work calls every few milliseconds; it may throw Error(kInterrupted). A program sets it
/// once, before any thread begins; null, as at the start, lets everything run to its end.
void set_stop_check(void (*check)());

/// Calls it, if there is one.
void stop_check();

}  // namespace patchbay
