// What a session tells its context about memory: what the last question plans, what its groups of
// prompts plan, and what is kept for later ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <set>
#include <vector>

#include "patchbay/patching/session.h"
#include "patchbay/tasks/task.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

using enum HookPoint;

class MemoryPlans : public ::testing::Test {
 protected:
  static constexpr std::int64_t kMebi = std::int64_t{1} << 20;

  [[nodiscard]] Sweep heads(Source source = {}) const {
    Sweep sweep{.variants = {}, .source = source, .metric = metrics::find("logit_diff")};
    for (int layer = 0; layer < model_.cfg().n_layers; ++layer) {
      for (std::int64_t head = 0; head < model_.cfg().n_heads; ++head) {
        sweep.variants.push_back({{.site = kZ, .layer = layer, .head = head}});
      }
    }
    return sweep;
  }

  [[nodiscard]] std::int64_t base_run_of_a_side() const {
    std::int64_t tokens = 0;
    for (const PromptPair& pair : prompts_.pairs) tokens += std::ssize(pair.clean);
    return tokens * base_run_bytes(model_.cfg());
  }

  // What each of a question's groups of prompts plans. `ask` gets a session of this budget.
  template <class Ask>
  std::vector<std::int64_t> plans(std::int64_t memory, const Ask& ask) const {
    std::vector<std::int64_t> bytes;
    const RunContext ctx({.threads = 1, .max_memory = memory, .memory_plan = [&](std::int64_t now) {
                            bytes.push_back(now);
                          }});
    ask(Session(ctx, model_, prompts_));
    return bytes;
  }

  RunContext ctx_{{.threads = 1}};
  HookedTransformer model_ =
      load_model(ctx_, std::filesystem::path(PATCHBAY_MODELS_DIR) / "ioi-small");
  PromptSet prompts_ = make_prompts(model_, "ioi", {.prompts = 40, .seed = 0});
};

TEST_F(MemoryPlans, OfTheLastQuestionHaveTheBaseRunOfThePatchedSideAlone) {
  const auto last =
      plans(1024 * kMebi, [&](const Session& s) { (void)s.for_last_question().run(heads()); });
  const auto several = plans(1024 * kMebi, [&](const Session& s) { (void)s.run(heads()); });
  ASSERT_EQ(last.size(), 1U);
  ASSERT_EQ(several.size(), 1U);
  // The other side's base run is there instead of its z.
  EXPECT_GT(several[0] - last[0], base_run_of_a_side() / 2);
  EXPECT_LT(last[0], several[0]);
}

TEST_F(MemoryPlans, OfALaterQuestionAreWithoutTheBaseRunsThatAreThere) {
  const auto both = plans(1024 * kMebi, [&](const Session& s) {
    (void)s.run(heads());
    Sweep other = heads();
    other.direction = Direction::kDenoise;
    (void)s.run(other);
  });
  ASSERT_EQ(both.size(), 2U);
  EXPECT_NEAR(static_cast<double>(both[0] - both[1]),
              2.0 * static_cast<double>(base_run_of_a_side()), 0.1 * static_cast<double>(both[0]));
}

// Prompts that need several groups leave nothing behind, so the next group plans no more.
TEST_F(MemoryPlans, OfGroupsOfPromptsAreAlike) {
  for (const bool is_last : {false, true}) {
    const auto groups = plans(6 * kMebi, [&](const Session& s) {
      (void)(is_last ? s.for_last_question() : s.for_several_questions()).run(heads());
    });
    ASSERT_GT(groups.size(), 2U);
    const auto [least, most] = std::minmax_element(groups.begin(), groups.end() - 1);
    EXPECT_LT(static_cast<double>(*most), 1.2 * static_cast<double>(*least));
    EXPECT_LT(*most, 6 * kMebi);
  }
}

TEST_F(MemoryPlans, HaveTheMeans) {
  std::set<std::int64_t> lengths;
  for (const PromptPair& pair : prompts_.pairs) lengths.insert(std::ssize(pair.corrupted));
  const std::int64_t tokens = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
  const std::int64_t means = tokens * model_.cfg().n_layers * model_.cfg().n_heads *
                             model_.cfg().d_head * static_cast<std::int64_t>(sizeof(float));
  const auto planned = [&](SourceKind kind) {
    return plans(1024 * kMebi, [&](const Session& s) {
      (void)s.for_last_question().run(heads({.kind = kind}));
    })[0];
  };
  EXPECT_GE(planned(SourceKind::kMeanByPosition) - planned(SourceKind::kZero), means);
}

TEST_F(MemoryPlans, ThatMeansDoNotFitInAreRefused) {
  const auto ask = [&](const Session& s) {
    (void)s.run(heads({.kind = SourceKind::kMeanByTemplate}));
  };
  std::int64_t memory = 64 * kMebi;
  while (memory > 0) {
    try {
      (void)plans(memory, ask);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_NE(std::string(error.what()).find("at least"), std::string::npos);
      break;
    }
    memory /= 2;
  }
  EXPECT_NO_THROW((void)plans(memory, [&](const Session& s) { (void)s.run(heads()); }));
}

TEST_F(MemoryPlans, MakeRoomWhereARunWasUsedLongestAgo) {
  const std::vector<Prompt> first = {prompts_.pairs[0].clean};
  const std::vector<Prompt> second = {prompts_.pairs[1].clean};
  const std::int64_t all = tokens_of({first[0], second[0]}) * base_run_bytes(model_.cfg());
  KeptRuns kept;
  (void)kept.add(ctx_, model_, first, all);
  (void)kept.add(ctx_, model_, second, all);
  EXPECT_TRUE(kept.find(first).has_value());
  EXPECT_EQ(kept.bytes_of({first, second}), all);
  kept.make_room(all - 1);
  EXPECT_TRUE(kept.find(first).has_value());
  EXPECT_FALSE(kept.find(second).has_value());
  kept.make_room(0);
  EXPECT_FALSE(kept.find(first).has_value());
}

TEST_F(MemoryPlans, DropMeansOfOthersThatTakeTooMuch) {
  const Sides sides{prompts_, Direction::kNoise};
  const SourcePlan plan(sides, {.kind = SourceKind::kMean}, {{kZ, 0}});
  MeanCache means;
  means.emplace(CellKey{1, 2}, Tensor({10}));
  EXPECT_EQ(plan.make_room(40, means), 40);
  EXPECT_EQ(means.size(), 1U);
  EXPECT_EQ(plan.make_room(39, means), 0);
  EXPECT_TRUE(means.empty());
}

}  // namespace
}  // namespace patchbay
