// One model, several threads at once, each with a context of its own.
#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

TEST(Threads, RunOneModelAtOnceAndGetTheSameBits) {
  const TinyGpt2 tiny;
  const Logits expected = tiny.model.run(tiny.ctx, tiny.ragged());
  constexpr int kThreads = 4;
  std::vector<int> wrong(kThreads, 0);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      const RunContext ctx({.threads = 1 + thread % 2});
      for (int i = 0; i < 20; ++i) {
        const Logits logits = tiny.model.run(ctx, tiny.ragged());
        const auto bytes = static_cast<std::size_t>(expected.values.size()) * sizeof(float);
        if (std::memcmp(logits.values.data(), expected.values.data(), bytes) != 0) {
          ++wrong[static_cast<std::size_t>(thread)];
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(kThreads, 0));
}

}  // namespace
}  // namespace patchbay
