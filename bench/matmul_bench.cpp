// GFLOP/s of the matrix product at GPT-2 small's shapes, beside the machine's FMA peak measured
// right before and right after.
//
//   cmake -B build -DPATCHBAY_BUILD_BENCH=ON && cmake --build build --target patchbay_bench
//   build/bench/patchbay_bench --benchmark_filter=matmul
//
// One line per product, the median of the repetitions: `gflops`, `before` and `after` (the peak of
// as many threads, GFLOP/s), `ratio` (gflops over the mean of the two) and `scaling` (that peak
// over the peak of one thread; near 1 when the second processor is a hyperthread of the first, and
// then two threads cannot be faster). Weights rotate through more than 300 MB of distinct matrices,
// so that they come from memory as in a forward pass: one matrix that stays in a cache says
// nothing.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/support/fma_peak.h"
#include "patchbay/base/run_context.h"
#include "patchbay/tensor/matmul.h"

namespace patchbay::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct MatrixShape {
  std::string_view name;
  std::int64_t k;
  std::int64_t n;
  std::int64_t n_heads;  // 0: the plain product
};

constexpr MatrixShape kShapes[] = {
    {"W_Q", 768, 768, 0},    {"W_O", 768, 768, 12},  {"W_in", 768, 3072, 0},
    {"W_out", 3072, 768, 0}, {"W_U", 768, 50257, 0},
};
constexpr std::int64_t kRows[] = {14, 128, 140, 512, 1400};
constexpr std::int64_t kColdBytes = std::int64_t{300} << 20;

// Values in [−0.5, 0.5) without a pattern; no denormals, which would slow some processors down.
Tensor noise(const Shape& shape, std::uint32_t seed) {
  Tensor tensor(shape);
  for (float& value : tensor.flat()) {
    seed = seed * 1664525U + 1013904223U;
    value = static_cast<float>(seed >> 8) * 0x1p-24F - 0.5F;
  }
  return tensor;
}

// Distinct matrices of one shape; kept until another shape is asked for.
const std::vector<PackedMatrix>& weights(const MatrixShape& shape) {
  static std::vector<PackedMatrix> pool;
  static std::string_view owner;
  if (owner == shape.name) return pool;
  owner = shape.name;
  pool.clear();
  const Tensor w = noise({shape.k, shape.n}, 7);
  const std::int64_t bytes = shape.k * shape.n * static_cast<std::int64_t>(sizeof(float));
  for (std::int64_t i = 0; i <= kColdBytes / bytes; ++i) pool.push_back(PackedMatrix::pack(w));
  return pool;
}

void multiply(benchmark::State& state, const MatrixShape& shape, std::int64_t rows, int threads) {
  const RunContext ctx({.threads = threads});
  const std::vector<PackedMatrix>& pool = weights(shape);
  const Tensor x = noise({rows, shape.k}, 1);
  const Tensor bias = noise({shape.n}, 2);
  Tensor out({rows, shape.n});
  const double single = threads == 1 ? 0.0 : fma_peak(1);
  const double before = fma_peak(threads);
  std::size_t next = 0;
  const Clock::time_point begin = Clock::now();
  for (auto _ : state) {
    const PackedMatrix& w = pool[next++ % pool.size()];
    if (shape.n_heads == 0) {
      matmul(ctx, x, w, bias.flat(), out);
    } else {
      matmul_by_head(ctx, x, w, shape.n_heads, bias.flat(), out);
    }
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  const double after = fma_peak(threads);
  const auto operations = static_cast<double>(2 * rows * shape.k * shape.n * state.iterations());
  const double gflops = operations / seconds * 1e-9;
  state.counters["gflops"] = gflops;
  state.counters["before"] = before;
  state.counters["after"] = after;
  state.counters["ratio"] = gflops / ((before + after) / 2.0);
  if (single > 0.0) state.counters["scaling"] = before / single;
}

void register_products() {
  for (const MatrixShape& shape : kShapes) {
    for (const int threads : {1, 2}) {
      for (const std::int64_t rows : kRows) {
        const std::string name = "matmul/" + std::string(shape.name) + "/" +
                                 std::to_string(shape.k) + "x" + std::to_string(shape.n) +
                                 "/rows:" + std::to_string(rows) +
                                 "/threads:" + std::to_string(threads);
        benchmark::RegisterBenchmark(name.c_str(), multiply, shape, rows, threads)
            ->UseRealTime()
            ->Unit(benchmark::kMicrosecond)
            ->MinTime(0.1)
            ->Repetitions(7)
            ->ReportAggregatesOnly();
      }
    }
  }
}

// Of each benchmark's aggregates, the median alone.
class MedianReporter : public benchmark::ConsoleReporter {
 public:
  MedianReporter() : ConsoleReporter(OO_Tabular) {}
  void ReportRuns(const std::vector<Run>& runs) override {
    std::vector<Run> medians;
    for (const Run& run : runs) {
      if (run.aggregate_name == "median") medians.push_back(run);
    }
    ConsoleReporter::ReportRuns(medians);
  }
};

}  // namespace
}  // namespace patchbay::bench

int main(int argc, char** argv) {
  patchbay::bench::register_products();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  patchbay::bench::MedianReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  return 0;
}
