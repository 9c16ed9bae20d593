// Path patching on architectures whose attention and MLP are parallel, have norms behind them, or
// have no MLP.
#include <gtest/gtest.h>

#include "patchbay/base/error.h"
#include "patchbay/patching/session.h"
#include "tests/support/plain_runs.h"
#include "tests/support/prompt_pairs.h"
#include "tests/support/tiny_models.h"
#include "tests/support/twin_runs.h"

namespace patchbay {
namespace {

using enum HookPoint;

class PathArchitectures : public ::testing::TestWithParam<const char*> {
 protected:
  PathSweep sweep_with(PathMeaning meaning) const {
    return {.paths = {}, .metric = metrics::find("logit_diff"), .meaning = meaning};
  }

  TinyModel tiny_{GetParam()};
  PromptSet prompts_ = reference_pairs(tiny_);
  const HookedTransformerConfig& cfg_ = tiny_.model.cfg();
  int last_ = static_cast<int>(cfg_.n_layers) - 1;
};

TEST_P(PathArchitectures, EqualWholePassesToReceiversAndToTheLogits) {
  for (const PathMeaning meaning : {PathMeaning::kHeadsFrozen, PathMeaning::kEdge}) {
    PathSweep sweep = sweep_with(meaning);
    for (const Place& sender :
         {Place{.site = kAttnOut, .layer = 0}, Place{.site = kMlpOut, .layer = 0},
          Place{.site = kResidPre, .layer = 1}, Place{.site = kAttnOut, .layer = 1}}) {
      for (const Place& receiver :
           {Place{.site = kQ, .layer = last_, .head = 1}, Place{.site = kV, .layer = 1},
            Place{.site = kMlpIn, .layer = 1}, Place{.site = kResidPost, .layer = last_}}) {
        if (!info(sender.site).is_in(cfg_) || !info(receiver.site).is_in(cfg_)) continue;
        sweep.paths.push_back({{sender}, {{receiver}}, false});
      }
    }
    const SweepResult plain = run_path_sweep_plainly(tiny_.ctx, tiny_.model, prompts_, sweep);
    EXPECT_EQ(
        differing(run_path_sweep(tiny_.ctx, tiny_.model, prompts_, sweep).values, plain.values), 0);
    EXPECT_LT(plain.unchanged, std::ssize(sweep.paths));
    for (Path& path : sweep.paths) path = {path.senders, {}, true};
    EXPECT_EQ(differing(run_path_sweep(tiny_.ctx, tiny_.model, prompts_, sweep).values,
                        run_path_sweep_plainly(tiny_.ctx, tiny_.model, prompts_, sweep).values),
              0);
  }
}

TEST_P(PathArchitectures, EqualWholePassesFromEverySite) {
  PathSweep sweep = sweep_with(PathMeaning::kHeadsFrozen);
  for (const HookPointInfo& site : hook_points()) {
    if (!site.is_site() || !site.is_in(cfg_)) continue;
    if (is_head_input(site.point)) continue;  // no sender where heads are frozen
    sweep.paths.push_back(
        {{{.site = site.point, .layer = last_ - 1}}, {{{.site = kQ, .layer = last_}}}, true});
    const bool heads = site.unit() == Unit::kHead || site.unit() == Unit::kKeyValueHead;
    if (!heads) continue;
    sweep.paths.push_back({{{.site = site.point, .layer = last_ - 1, .head = 0}},
                           {{{.site = kQ, .layer = last_}}},
                           true});
  }
  const std::size_t prompts = prompts_.pairs.size();
  for (const auto& [freeze_mlps, norms] :
       {std::pair{false, NormScale::kLive}, {true, NormScale::kLive}, {true, NormScale::kClean}}) {
    sweep.freeze_mlps = freeze_mlps;
    sweep.norms = norms;
    const SweepResult plain = run_path_sweep_plainly(tiny_.ctx, tiny_.model, prompts_, sweep);
    const SweepResult fast = run_path_sweep(tiny_.ctx, tiny_.model, prompts_, sweep);
    for (std::size_t i = 0; i < sweep.paths.size(); ++i) {
      const Place& sender = sweep.paths[i].senders.front();
      EXPECT_EQ(fast.values[i * prompts], plain.values[i * prompts])
          << info(sender.site).short_name;
    }
    EXPECT_EQ(differing(fast.values, plain.values), 0);
  }
}

// A block's MLP does not read its attention where the two are parallel.
TEST_P(PathArchitectures, AttentionReachesTheMlpOfItsBlockUnlessTheyAreParallel) {
  if (cfg_.attn_only) return;
  PathSweep sweep = sweep_with(PathMeaning::kHeadsFrozen);
  sweep.paths = {{{{.site = kAttnOut, .layer = 1}}, {{{.site = kMlpIn, .layer = 1}}}, false}};
  EXPECT_EQ(run_path_sweep(tiny_.ctx, tiny_.model, prompts_, sweep).unchanged,
            cfg_.parallel_attn_mlp ? 1 : 0);
}

INSTANTIATE_TEST_SUITE_P(Each, PathArchitectures, ::testing::ValuesIn(kTinyArchitectures),
                         model_test_name);

TEST(NormsBehindSublayers, LeaveEdgesOfSingleHeadsUndefined) {
  const TinyModel tiny("tiny-gemma2");
  const PromptSet prompts = reference_pairs(tiny);
  const PathSweep edge{.paths = {{{{.site = kZ, .layer = 0, .head = 0}}, {}, true}},
                       .metric = metrics::find("logit_diff"),
                       .meaning = PathMeaning::kSkipEdge};
  EXPECT_THROW(run_path_sweep(tiny.ctx, tiny.model, prompts, edge), Error);
}

}  // namespace
}  // namespace patchbay
