// Threads, cancellation, the floating-point mode, memory, and what errors are made of.
#include <gtest/gtest.h>

#include <atomic>
#include <cfloat>
#include <stdexcept>
#include <vector>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "patchbay/base/error.h"
#include "patchbay/base/float_environment.h"
#include "patchbay/base/machine.h"
#include "patchbay/base/run_context.h"
#include "patchbay/base/suggest.h"
#include "patchbay/base/visible_text.h"

namespace patchbay {
namespace {

TEST(RunContext, GivesEveryIndexToExactlyOnePiece) {
  for (const int threads : {1, 2, 3, 7}) {
    const RunContext ctx({.threads = threads});
    EXPECT_EQ(ctx.threads(), threads);
    for (const std::int64_t count : {0, 1, 2, 63, 1000}) {
      for (const std::int64_t grain : {1, 2, 7, 64, 5000}) {
        std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
        ctx.parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
          EXPECT_LE(end - begin, grain);
          for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
        });
        for (const auto& times : seen) ASSERT_EQ(times.load(), 1);
      }
    }
  }
}

TEST(RunContext, ThrowsTheFirstExceptionOfAPieceAndGoesOnWorking) {
  for (const int threads : {1, 3}) {
    const RunContext ctx({.threads = threads});
    EXPECT_THROW(ctx.parallel_for(100, 1,
                                  [](std::int64_t begin, std::int64_t) {
                                    if (begin == 37) throw std::runtime_error("37");
                                  }),
                 std::runtime_error);
    std::atomic<int> count = 0;
    ctx.parallel_for(100, 1, [&](std::int64_t, std::int64_t) { ++count; });
    EXPECT_EQ(count, 100);
  }
}

TEST(RunContext, StopsBeforeTheNextPieceWhenCancelled) {
  for (const int threads : {1, 2}) {
    RunContext ctx({.threads = threads});
    std::atomic<int> pieces = 0;
    try {
      ctx.parallel_for(1000, 1, [&](std::int64_t, std::int64_t) {
        ++pieces;
        ctx.cancel();
      });
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
      EXPECT_EQ(error.exit_code(), 130);
    }
    EXPECT_LE(pieces, threads);
  }
}

TEST(RunContext, ManyShortJobsOneAfterTheOther) {
  const RunContext ctx({.threads = 3});
  std::atomic<std::int64_t> sum = 0;
  for (int job = 0; job < 3000; ++job) {
    ctx.parallel_for(4, 1, [&](std::int64_t begin, std::int64_t) { sum += begin; });
  }
  EXPECT_EQ(sum, 3000 * 6);
}

TEST(RunContext, RefusesSettingsOutOfRange) {
  EXPECT_THROW(RunContext({.threads = -1}), Error);
  EXPECT_THROW(RunContext({.threads = 257}), Error);
}

#if defined(__x86_64__)
// volatile, so that the product is made at run time, in the mode of the moment.
float half_of_the_smallest_normal() {
  volatile float smallest = FLT_MIN;
  return smallest * 0.5F;
}

TEST(FloatEnvironment, KeepsDenormalsAndRestoresTheHostsMode) {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040U);  // flush to zero, denormals are zero
  EXPECT_EQ(half_of_the_smallest_normal(), 0.0F);
  {
    const FloatEnvironment environment;
    EXPECT_GT(half_of_the_smallest_normal(), 0.0F);
  }
  EXPECT_EQ(half_of_the_smallest_normal(), 0.0F);
  for (const int threads : {1, 2}) {
    const RunContext ctx({.threads = threads});
    std::atomic<int> flushed = 0;
    ctx.parallel_for(100, 1, [&](std::int64_t, std::int64_t) {
      if (half_of_the_smallest_normal() == 0.0F) ++flushed;
    });
    EXPECT_EQ(flushed, 0) << threads << " threads";
  }
  EXPECT_EQ(_mm_getcsr() & 0x8040U, 0x8040U);
  _mm_setcsr(before);
}
#endif

TEST(Suggest, FindsTheNearestNameOrNone) {
  const std::vector<std::string> names = {"predict", "tokens", "hooks", "cache"};
  EXPECT_EQ(nearest_name("perdict", names), "predict");
  EXPECT_EQ(nearest_name("HOOK", names), "hooks");
  EXPECT_EQ(nearest_name("something", names), "");
  EXPECT_EQ(did_you_mean("cahce", names), "; did you mean \"cache\"?");
  EXPECT_EQ(did_you_mean("zzz", names), "");
}

TEST(QuotedText, IsWholeAndShowsWhatIsInvisible) {
  EXPECT_EQ(quoted_text(""), "\"\"");
  EXPECT_EQ(quoted_text(" a\"b\\c\n"), R"(" a\"b\\c\n")");
  EXPECT_EQ(quoted_text("\xff\xe2\x80\xae"), R"("\xff\u202e")");
  EXPECT_EQ(quoted_text(std::string(500, 'x')).size(), 502U);
}

TEST(Memory, OfThisProcessIsAPartOfTheMachines) {
  const Memory now = memory();
  if (!now.total || !now.peak) GTEST_SKIP() << "the system does not tell";
  EXPECT_GT(now.resident.value(), 1 << 20);
  EXPECT_GE(*now.peak, *now.resident);
  EXPECT_GT(*now.total, *now.peak);
  EXPECT_GE(*now.total, now.available.value());
}

TEST(Error, SaysWhereAndWhat) {
  const Error error(ErrorKind::kBadData, "safetensors", "x; do y");
  EXPECT_STREQ(error.what(), "[safetensors] x; do y");
  EXPECT_EQ(error.exit_code(), 65);
}

}  // namespace
}  // namespace patchbay
