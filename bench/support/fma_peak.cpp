// How many fused multiply-adds this machine can do right now.
#include "bench/support/fma_peak.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/support/fma_peak.cpp"
#include "patchbay/tensor/targets.h"
// targets.h comes first: it chooses what foreach_target.h compiles.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <chrono>
#include <cstdint>
#include <latch>
#include <numeric>
#include <thread>
#include <vector>

#include "patchbay/tensor/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace patchbay::bench {
namespace HWY_NAMESPACE {
namespace {

// The library's own vectors.
using patchbay::HWY_NAMESPACE::Constant;
using patchbay::HWY_NAMESPACE::Fma;
using patchbay::HWY_NAMESPACE::kLanes;
using patchbay::HWY_NAMESPACE::Vector;

/// Twelve chains cover the latency of two units of latency five or less, and with their two
/// operands they fit sixteen registers; they have names because an array might go to memory. Each
/// starts elsewhere and adds up in the result, so that none can be left out. Returns the number of
/// floating-point operations.
std::int64_t Multiply(std::int64_t steps, float factor, float* result) {
  const Vector x = Constant(factor);
  const Vector y = Constant(1.0F - factor);
  const auto start = [&](int i) HWY_ATTR { return Constant(factor + static_cast<float>(i)); };
  Vector a = start(0), b = start(1), c = start(2), d = start(3), e = start(4), f = start(5);
  Vector g = start(6), h = start(7), i = start(8), j = start(9), k = start(10), l = start(11);
  for (std::int64_t step = 0; step < steps; ++step) {
    a = Fma(a, x, y);
    b = Fma(b, x, y);
    c = Fma(c, x, y);
    d = Fma(d, x, y);
    e = Fma(e, x, y);
    f = Fma(f, x, y);
    g = Fma(g, x, y);
    h = Fma(h, x, y);
    i = Fma(i, x, y);
    j = Fma(j, x, y);
    k = Fma(k, x, y);
    l = Fma(l, x, y);
  }
  namespace hn = hwy::HWY_NAMESPACE;
  const Vector first = hn::Add(hn::Add(hn::Add(a, b), hn::Add(c, d)), hn::Add(e, f));
  const Vector second = hn::Add(hn::Add(hn::Add(g, h), hn::Add(i, j)), hn::Add(k, l));
  *result = hn::GetLane(hn::Add(first, second));
  return steps * 12 * kLanes * 2;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace patchbay::bench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace patchbay::bench {
namespace {

HWY_EXPORT(Multiply);

using Clock = std::chrono::steady_clock;

// GFLOP/s of the calling thread over about 40 ms.
double peak_of_this_thread() {
  volatile float factor = 0.999F;  // the compiler must not know it
  volatile float sink = 0.0F;
  const Clock::time_point begin = Clock::now();
  std::int64_t operations = 0;
  double seconds = 0.0;
  while (seconds < 0.04) {
    float result = 0.0F;
    operations += HWY_DYNAMIC_DISPATCH(Multiply)(20000, factor, &result);
    sink = result;
    seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  }
  static_cast<void>(sink);
  return static_cast<double>(operations) / seconds * 1e-9;
}

}  // namespace

double fma_peak(int threads) {
  std::vector<double> peaks(static_cast<std::size_t>(threads));
  std::latch ready(threads);
  std::vector<std::thread> running;
  for (double& peak : peaks) {
    running.emplace_back([&ready, &peak] {
      ready.arrive_and_wait();
      peak = peak_of_this_thread();
    });
  }
  for (std::thread& thread : running) thread.join();
  return std::accumulate(peaks.begin(), peaks.end(), 0.0);
}

}  // namespace patchbay::bench
#endif
