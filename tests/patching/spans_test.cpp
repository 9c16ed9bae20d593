// Named positions of several tokens, and prompts without a corrupted one, against what single
// tokens and whole pairs say, bit for bit.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "patchbay/patching/session.h"
#include "tests/support/error_text.h"
#include "tests/support/prompt_pairs.h"
#include "tests/support/tiny_models.h"
#include "tests/support/twin_runs.h"

namespace patchbay {
namespace {

using enum HookPoint;

const NamedPosition kFirst{1, NamedPosition::Part::kFirst};
const NamedPosition kLast{1, NamedPosition::Part::kLast};

// MIDDLE is tokens 4 to 6 of both sides; the second pair has none.
PromptSet spans_of(const TinyModel& tiny) {
  PromptSet set = reference_pairs(tiny);
  for (std::size_t i = 0; i < set.pairs.size(); ++i) {
    if (i == 1) continue;
    set.pairs[i].positions[1] = set.pairs[i].corrupted_positions[1] = {4, 6};
  }
  set.check();
  return set;
}

Place z_at(const Positions& positions) { return {.site = kZ, .layer = 0, .positions = positions}; }

class Spans : public ::testing::TestWithParam<const char*> {
 protected:
  std::vector<double> values(const PromptSet& prompts, const std::vector<Intervention>& variants,
                             SourceKind kind = SourceKind::kOtherRun) {
    return run_sweep(tiny_.ctx, tiny_.model, prompts,
                     {.direction = Direction::kNoise,
                      .variants = variants,
                      .source = {.kind = kind},
                      .metric = metrics::find("logit_diff")})
        .values;
  }

  TinyModel tiny_{GetParam()};
};

TEST_P(Spans, PatchAllOfTheirTokensOrOneEnd) {
  const PromptSet prompts = spans_of(tiny_);
  for (const SourceKind kind : {SourceKind::kOtherRun, SourceKind::kZero}) {
    const auto named = values(prompts,
                              {{z_at(Positions::named(1))},
                               {z_at(Positions::named(kFirst))},
                               {z_at(Positions::named(kLast))}},
                              kind);
    const auto numbered =
        values(prompts,
               {{z_at(Positions::at(4)), z_at(Positions::at(5)), z_at(Positions::at(6))},
                {z_at(Positions::at(4))},
                {z_at(Positions::at(6))}},
               kind);
    for (std::size_t i = 0; i < named.size(); ++i) {
      if (i % prompts.pairs.size() == 1) {
        EXPECT_TRUE(std::isnan(named[i]));
      } else {
        EXPECT_EQ(named[i], numbered[i]) << i;
      }
    }
    const std::size_t n = prompts.pairs.size();
    EXPECT_NE(named[0], named[n]);
    EXPECT_NE(named[n], named[2 * n]);
  }
}

TEST_P(Spans, LeaveOutAllOfTheirTokens) {
  const PromptSet prompts = spans_of(tiny_);
  const std::size_t none = 1;  // that pair has no MIDDLE
  const auto but = [&](const std::set<std::int32_t>& left_out) {
    Intervention places;
    for (std::int32_t at = 0; at < std::ssize(prompts.pairs[0].clean); ++at) {
      if (!left_out.contains(at)) places.push_back(z_at(Positions::at(at)));
    }
    return places;
  };
  const auto end = static_cast<std::int32_t>(prompts.pairs[0].clean.size()) - 1;
  const auto named = values(prompts, {{z_at(Positions::all_but({1}))},
                                      {z_at(Positions::all_but({kLast}))},
                                      {z_at(Positions::all_but({0, 1, 2}))},
                                      {z_at(Positions::all_but({kLast}, true))}});
  const auto numbered = values(prompts, {but({4, 5, 6}),
                                         but({6}),
                                         but({1, 4, 5, 6, end}),
                                         {z_at(Positions::at(1)), z_at(Positions::at(4)),
                                          z_at(Positions::at(5)), z_at(Positions::at(end))}});
  for (std::size_t i = 0; i < named.size(); ++i) {
    if (i % prompts.pairs.size() == none) continue;
    EXPECT_EQ(named[i], numbered[i]) << i;
  }
}

TEST_P(Spans, GoTokenByTokenToTheOtherSides) {
  const std::vector<TokenSpan> base = {TokenSpan(1), {4, 6}};
  const std::vector<TokenSpan> source = {TokenSpan(1), {5, 7}};
  const auto pieces = pieces_of(tiny_.model.cfg(), {z_at(Positions::named(1))}, {12, base, source});
  ASSERT_TRUE(pieces);
  ASSERT_EQ(pieces->size(), 3U);
  for (std::int32_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*pieces)[static_cast<std::size_t>(i)].position, 4 + i);
    EXPECT_EQ((*pieces)[static_cast<std::size_t>(i)].source_position, 5 + i);
  }
  // Of other numbers of tokens only the ends meet.
  const std::vector<TokenSpan> shorter = {TokenSpan(1), {5, 6}};
  EXPECT_FALSE(pieces_of(tiny_.model.cfg(), {z_at(Positions::named(1))}, {12, base, shorter}));
  EXPECT_TRUE(pieces_of(tiny_.model.cfg(), {z_at(Positions::named(kLast))}, {12, base, shorter}));
}

TEST_P(Spans, AreReachedFromPathsToo) {
  const PromptSet prompts = spans_of(tiny_);
  const auto run = [&](const Intervention& senders, const Intervention& receivers) {
    return run_path_sweep(
               tiny_.ctx, tiny_.model, prompts,
               {.paths = {{.senders = senders, .receivers = {receivers}, .to_logits = false}},
                .metric = metrics::find("logit_diff")})
        .values;
  };
  const auto keys = [](const Positions& at) {
    return Place{.site = kK, .layer = 1, .head = 0, .positions = at};
  };
  const auto named = run({z_at(Positions::named(1))}, {keys(Positions::named(1))});
  const auto numbered =
      run({z_at(Positions::at(4)), z_at(Positions::at(5)), z_at(Positions::at(6))},
          {keys(Positions::at(4)), keys(Positions::at(5)), keys(Positions::at(6))});
  for (std::size_t i = 0; i < named.size(); ++i) {
    if (i == 1) continue;  // has no MIDDLE
    EXPECT_EQ(named[i], numbered[i]) << i;
  }
}

// What reads the clean prompts alone needs no other.
TEST_P(Spans, AreFoundWithoutACorruptedPrompt) {
  const PromptSet whole = spans_of(tiny_);
  PromptSet alone = whole;
  for (PromptPair& pair : alone.pairs) {
    pair.corrupted.clear();
    pair.corrupted_positions.assign(3, {});
  }
  alone.check();
  Sweep sweep{.direction = Direction::kNoise,
              .variants = {{z_at(Positions::named(1))}, {z_at({})}},
              .source = {.kind = SourceKind::kZero},
              .metric = metrics::find("logit_diff")};
  for (const SourceKind kind : {SourceKind::kZero, SourceKind::kGaussian, SourceKind::kResample}) {
    sweep.source.kind = kind;
    for (const RunOptions& options : twin_runs(700'000)) {
      const RunContext ctx(options);
      const SweepResult expected = run_sweep(ctx, tiny_.model, whole, sweep);
      const SweepResult result = run_sweep(ctx, tiny_.model, alone, sweep);
      EXPECT_EQ(differing(result.values, expected.values), 0) << name_of(kind);
      EXPECT_EQ(differing(result.baselines.clean, expected.baselines.clean), 0);
      EXPECT_TRUE(result.baselines.corrupted.empty());
      EXPECT_EQ(expected.baselines.corrupted.size(), whole.pairs.size());
    }
  }
  for (const SourceKind kind :
       {SourceKind::kOtherRun, SourceKind::kMean, SourceKind::kMeanByTemplate}) {
    sweep.source.kind = kind;
    EXPECT_NE(error_of([&] {
                (void)run_sweep(tiny_.ctx, tiny_.model, alone, sweep);
              }).find("prompt 0 has no corrupted prompt"),
              std::string::npos);
  }
  sweep.source.kind = SourceKind::kZero;
  sweep.direction = Direction::kDenoise;
  EXPECT_NE(error_of([&] {
              (void)run_sweep(tiny_.ctx, tiny_.model, alone, sweep);
            }).find("`direction` denoise reads"),
            std::string::npos);
  PathSweep paths{.paths = {{.senders = {z_at({})}, .receivers = {}}},
                  .source = {.kind = SourceKind::kZero},
                  .metric = metrics::find("logit_diff"),
                  .norms = NormScale::kCorrupted};
  EXPECT_NE(error_of([&] {
              (void)run_path_sweep(tiny_.ctx, tiny_.model, alone, paths);
            }).find("`norms` corrupted reads"),
            std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Each, Spans, ::testing::ValuesIn(kTinyArchitectures), model_test_name);

}  // namespace
}  // namespace patchbay
