// How many fused multiply-adds this machine can do right now: the yardstick of the products.
#pragma once

namespace patchbay::bench {

/// GFLOP/s (two per multiply-add) that `threads` threads reach together over some 40 ms, in
/// registers alone and on the instruction set that the library's operations use. On a shared
/// machine it changes from second to second, so measure it beside what it is compared with.
double fma_peak(int threads);

}  // namespace patchbay::bench
