#include "patchbay/base/run_context.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "patchbay/base/error.h"
#include "patchbay/base/float_environment.h"

namespace patchbay {
namespace {

// The processors this process may use, which can be fewer than the machine has.
int available_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

constexpr int kMaxThreads = 256;

// Marks a context as at work. Two runs of one context, or one inside the other, would wait for each
// other's pieces for ever.
class Busy {
 public:
  explicit Busy(std::atomic<bool>& flag) : flag_(flag) {
    if (!flag_.exchange(true, std::memory_order_acquire)) return;
    throw Error(ErrorKind::kUsage, "run context",
                "the context is at work already; give every thread and every nested run a context "
                "of its own");
  }
  ~Busy() { flag_.store(false, std::memory_order_release); }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  std::atomic<bool>& flag_;
};

}  // namespace

// Threads that wait for a job, first spinning for a moment (one forward pass has a hundred short
// jobs), then asleep. A helper that wakes after the job is done does not hold the caller up.
class RunContext::Pool {
 public:
  explicit Pool(int helpers) {
    threads_.reserve(static_cast<std::size_t>(helpers));
    try {
      for (int i = 0; i < helpers; ++i) threads_.emplace_back([this] { work(); });
    } catch (const std::system_error& error) {
      stop();
      throw Error(
          ErrorKind::kInputOutput, "run context",
          fmt::format("the system starts no {} threads: {}; use fewer, or stop other programs",
                      helpers + 1, error.code().message()));
    } catch (...) {
      stop();
      throw;
    }
  }
  ~Pool() { stop(); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Runs job() on the caller and on every helper that comes in time; returns when all are out of
  // it.
  void run(const std::function<void()>& job) {
    {
      const std::lock_guard lock(mutex_);
      job_ = &job;
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    job();
    {
      const std::lock_guard lock(mutex_);
      job_ = nullptr;
    }
    const auto idle = [this] { return inside_.load(std::memory_order_acquire) == 0; };
    if (!spin_until(idle)) {
      std::unique_lock lock(mutex_);
      done_.wait(lock, idle);
    }
  }

 private:
  template <typename Condition>
  static bool spin_until(const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(50);
    do {
      for (int i = 0; i < 64; ++i) {
        if (condition()) return true;
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
      }
    } while (std::chrono::steady_clock::now() < deadline);
    return false;
  }

  void work() {
    const FloatEnvironment environment;
    std::uint64_t seen = 0;
    while (true) {
      const auto is_new = [&] { return generation_.load(std::memory_order_acquire) != seen; };
      spin_until(is_new);
      const std::function<void()>* job = nullptr;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, is_new);
        if (stop_) return;
        seen = generation_.load(std::memory_order_acquire);
        job = job_;
        if (job == nullptr) continue;
        inside_.fetch_add(1, std::memory_order_relaxed);
      }
      (*job)();
      const std::lock_guard lock(mutex_);
      if (inside_.fetch_sub(1, std::memory_order_acq_rel) == 1) done_.notify_one();
    }
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<int> inside_{0};
  const std::function<void()>* job_ = nullptr;  // null once the caller has left it
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

RunContext::RunContext(RunOptions options)
    : max_memory_(options.max_memory),
      progress_(std::move(options.progress)),
      memory_plan_(std::move(options.memory_plan)) {
  if (options.threads < 0 || options.threads > kMaxThreads) {
    throw Error(ErrorKind::kUsage, "run context",
                "threads must be from 0, which means all processors, to 256");
  }
  if (max_memory_ < 0) {
    throw Error(ErrorKind::kUsage, "run context",
                fmt::format("max_memory is {} bytes; it must be 0 or more", max_memory_));
  }
  threads_ = options.threads > 0 ? options.threads : std::min(available_processors(), kMaxThreads);
  if (threads_ > 1) pool_ = std::make_unique<Pool>(threads_ - 1);
}

RunContext::~RunContext() = default;

void RunContext::check_cancelled() const {
  if (cancelled()) throw Error(ErrorKind::kInterrupted, "run", "interrupted before it was done");
}

void RunContext::parallel_for(
    std::int64_t count, std::int64_t grain,
    const std::function<void(std::int64_t begin, std::int64_t end)>& body) const {
  if (count < 0 || grain < 1 || !body) {
    throw Error(ErrorKind::kUsage, "run context",
                fmt::format("parallel_for of {} in pieces of {}{}; give a count of 0 or more, a "
                            "grain of 1 or more and a function",
                            count, grain, body ? "" : " without a function"));
  }
  const Busy busy(busy_);
  const FloatEnvironment environment;  // helpers have one of their own
  if (pool_ == nullptr || count <= grain) {
    for (std::int64_t begin = 0; begin < count; begin += grain) {
      check_cancelled();
      body(begin, std::min(count, begin + grain));
    }
    return;
  }
  std::atomic<std::int64_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  std::int64_t failed =
      count;  // the first piece that did: the error must not depend on the threads
  pool_->run([&] {
    while (!cancelled()) {
      const std::int64_t begin = next.fetch_add(grain, std::memory_order_relaxed);
      if (begin >= count) return;
      try {
        body(begin, std::min(count, begin + grain));
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (begin < failed) {
          failed = begin;
          failure = std::current_exception();
        }
        next.store(count, std::memory_order_relaxed);
      }
    }
  });
  if (failure) std::rethrow_exception(failure);
  check_cancelled();
}

}  // namespace patchbay
