// What a run may use, what it says about itself and how it can be stopped.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

namespace patchbay {

/// Settings of a RunContext.
struct RunOptions {
  static constexpr std::int64_t kDefaultMemory = std::int64_t{1} << 30;

  int threads = 0;  ///< worker threads, 256 at most; 0 takes every processor of this process
  /// Bytes that a sweep's activations may take, beside the model; 0 or more. More makes larger
  /// products.
  std::int64_t max_memory = kDefaultMemory;
  /// Called now and then, by the run's own thread, with how much of a sweep is done.
  std::function<void(std::int64_t done, std::int64_t total)> progress{};
  /// Called before a sweep begins, with the bytes that its activations will take.
  std::function<void(std::int64_t bytes)> memory_plan{};
};

/// Shared by every operation of a run. Results never depend on it: any number of threads gives the
/// same bits. One run at a time per context; several contexts may run side by side.
class RunContext {
 public:
  /// Throws kUsage for options out of range, kInputOutput when the system starts no such threads.
  explicit RunContext(RunOptions options = {});
  ~RunContext();
  RunContext(const RunContext&) = delete;
  RunContext& operator=(const RunContext&) = delete;

  [[nodiscard]] int threads() const { return threads_; }
  [[nodiscard]] std::int64_t max_memory() const { return max_memory_; }
  void report_progress(std::int64_t done, std::int64_t total) const {
    if (progress_) progress_(done, total);
  }
  void report_memory_plan(std::int64_t bytes) const {
    if (memory_plan_) memory_plan_(bytes);
  }

  /// Floating-point operations of all matrix products so far, a fused multiply-add being two.
  [[nodiscard]] std::int64_t flops() const { return flops_.load(std::memory_order_relaxed); }
  void count_flops(std::int64_t operations) const {
    flops_.fetch_add(operations, std::memory_order_relaxed);
  }

  /// Asks the run to stop at the next piece of work, which then throws Error(kInterrupted).
  /// Safe from any thread and from a signal handler.
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  /// Throws Error(kInterrupted) when cancel() was called.
  void check_cancelled() const;

  /// Calls body(begin, end) for pieces of 0 … count−1, each at most `grain` long, on all threads,
  /// and returns when all are done. Pieces are handed out as threads become free; cancellation is
  /// looked at before each. All pieces compute in the default floating-point mode, whatever the
  /// caller's. The exception of the first piece that has one is thrown here. Throws kUsage for a
  /// negative count, a grain below 1 and an empty body, and where the context is at work already:
  /// in another thread, or in a body that is being called.
  void parallel_for(std::int64_t count, std::int64_t grain,
                    const std::function<void(std::int64_t begin, std::int64_t end)>& body) const;

 private:
  class Pool;
  int threads_ = 1;
  std::int64_t max_memory_;
  std::function<void(std::int64_t done, std::int64_t total)> progress_;
  std::function<void(std::int64_t bytes)> memory_plan_;
  mutable std::atomic<std::int64_t> flops_{0};
  mutable std::atomic<bool> busy_{false};  // within parallel_for
  std::atomic<bool> cancelled_{false};
  std::unique_ptr<Pool> pool_;
};

}  // namespace patchbay
