// What a run may use and how it can be stopped: threads, memory, cancellation, progress.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

namespace patchbay {

/// How far a run has come, in units of the caller's choice (rows of a product, prompts, …).
struct Progress {
  std::int64_t done = 0;
  std::int64_t total = 0;
};

/// Settings of a RunContext.
struct RunOptions {
  int threads = 0;              ///< worker threads; 0 takes every processor of this process
  std::int64_t max_memory = 0;  ///< bytes that activations of one run may use; 0 means no limit
  std::function<void(const Progress&)>
      progress{};  ///< called between pieces of work, by the caller's thread
};

/// Shared by every operation of a run. Results never depend on it: any number of threads and any
/// memory budget give the same bits. One run at a time per context; several contexts may run side
/// by side.
class RunContext {
 public:
  explicit RunContext(RunOptions options = {});
  ~RunContext();
  RunContext(const RunContext&) = delete;
  RunContext& operator=(const RunContext&) = delete;

  [[nodiscard]] int threads() const { return threads_; }
  [[nodiscard]] std::int64_t max_memory() const { return options_.max_memory; }

  /// Asks the run to stop at the next piece of work, which then throws Error(kInterrupted).
  /// Safe from any thread and from a signal handler.
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  /// Throws Error(kInterrupted) when cancel() was called.
  void check_cancelled() const;
  /// Reports progress to the caller's function, if there is one.
  void report(const Progress& progress) const;

  /// Calls body(begin, end) for pieces of 0 … count−1, each at most `grain` long, on all threads,
  /// and returns when all are done. Pieces are handed out as threads become free; cancellation is
  /// looked at before each. The first exception of a piece is thrown here. Not to be nested.
  void parallel_for(std::int64_t count, std::int64_t grain,
                    const std::function<void(std::int64_t begin, std::int64_t end)>& body) const;

 private:
  class Pool;
  RunOptions options_;
  int threads_ = 1;
  std::atomic<bool> cancelled_{false};
  std::unique_ptr<Pool> pool_;
};

}  // namespace patchbay
