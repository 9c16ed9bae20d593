// The same bits, however a run is asked for: hooked or not, cached or not, alone or in a batch, on
// any number of threads, on any instruction set, whole or as a replay of changed rows.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "patchbay/tensor/target.h"
#include "tests/support/replay_start.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

std::int64_t differing_bits(ConstTensorView a, ConstTensorView b) {
  EXPECT_EQ(a.size(), b.size());
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (std::memcmp(a.data() + i, b.data() + i, sizeof(float)) != 0) ++count;
  }
  return count;
}

class Exactness : public ::testing::TestWithParam<const char*> {};

TEST_P(Exactness, AHookThatEditsNothingChangesNoBitOnAnyHookPoint) {
  const TinyModel tiny(GetParam());
  const Logits plain = tiny.model.run(tiny.ctx, tiny.clean());
  for (const HookName& name : hook_names(tiny.model.cfg())) {
    int calls = 0;
    const Hooks hooks = {{name, [&](TensorView, const HookName&) { ++calls; }}};
    const Logits hooked = tiny.model.run_with_hooks(tiny.ctx, tiny.clean(), hooks);
    EXPECT_EQ(differing_bits(hooked.values, plain.values), 0) << name.str();
    EXPECT_EQ(calls, 1) << name.str();
  }
}

TEST_P(Exactness, AllHooksAndTheCacheAtOnceChangeNoBit) {
  const TinyModel tiny(GetParam());
  const Logits plain = tiny.model.run(tiny.ctx, tiny.clean());
  std::vector<std::string> order;
  const Hooks hooks = {
      {NamesFilter::all(), [&](TensorView, const HookName& hook) { order.push_back(hook.str()); }}};
  const auto [logits, cache] =
      tiny.model.run_with_cache(tiny.ctx, tiny.clean(), NamesFilter::all(), hooks);
  EXPECT_EQ(differing_bits(logits.values, plain.values), 0);
  std::vector<std::string> expected;
  for (const HookName& name : hook_names(tiny.model.cfg())) expected.push_back(name.str());
  EXPECT_EQ(order, expected);
}

TEST_P(Exactness, ACachedActivationIsTheSameWhicheverOthersAreCached) {
  const TinyModel tiny(GetParam());
  const auto everything =
      tiny.model.run_with_cache(tiny.ctx, tiny.clean(), NamesFilter::all()).second;
  for (const HookName& name : hook_names(tiny.model.cfg())) {
    const Demand nothing{.logits = Demand::At::kNowhere};
    const auto alone = tiny.model.run_with_cache(tiny.ctx, tiny.clean(), name, {}, nothing).second;
    ASSERT_EQ(alone.size(), 1U) << name.str();
    EXPECT_EQ(differing_bits(alone[name], everything[name]), 0) << name.str();
  }
}

TEST_P(Exactness, EachPromptAloneHasTheBitsItHasInABatchOfOtherLengths) {
  const TinyModel tiny(GetParam());
  const Logits batch = tiny.model.run(tiny.ctx, tiny.ragged());
  for (std::int32_t i = 0; i < 5; ++i) {
    const std::vector<Prompt> one = {tiny.ragged()[static_cast<std::size_t>(i)]};
    const Logits alone = tiny.model.run(tiny.ctx, one);
    const auto [begin, end] = batch.rows.of_sequence(i);
    EXPECT_EQ(differing_bits(alone.values, batch.values.view().rows(begin, end)), 0) << i;
  }
}

TEST_P(Exactness, AskingForLessGivesTheSameBitsOfIt) {
  const TinyModel tiny(GetParam());
  const Logits whole = tiny.model.run(tiny.ctx, tiny.ragged());
  const std::vector<TokenId> tokens = {299, 0, 17, 17, 120};
  const Demand demands[] = {
      {.logits = Demand::At::kLastPosition},
      {.logits = Demand::At::kLastPosition, .tokens = tokens},
      {.logits = Demand::At::kEverywhere, .tokens = tokens},
      {.logits = Demand::At::kRows, .rows = {{3, 7}, {0, 0}, {3, 2}, {1, 5}}, .tokens = {}},
      {.logits = Demand::At::kRows, .rows = {{4, 1}}, .tokens = tokens},
  };
  for (const Demand& demand : demands) {
    const Logits less = tiny.model.run(tiny.ctx, tiny.ragged(), demand);
    ASSERT_FALSE(less.rows.empty());
    for (const Row& row : less.rows) {
      const auto some = less.at(row.sequence, row.position);
      const auto all = whole.at(row.sequence, row.position);
      for (std::size_t i = 0; i < some.size(); ++i) {
        const std::size_t token =
            demand.tokens.empty() ? i : static_cast<std::size_t>(demand.tokens[i]);
        EXPECT_EQ(std::memcmp(&some[i], &all[token], sizeof(float)), 0);
      }
    }
  }
}

TEST_P(Exactness, AnyNumberOfThreadsGivesTheSameBits) {
  const TinyModel tiny(GetParam());
  const auto [expected, cache] =
      tiny.model.run_with_cache(tiny.ctx, tiny.clean(), NamesFilter::all());
  for (const int threads : {1, 2, 3, 4, 7}) {
    const RunContext ctx({.threads = threads});
    const HookedTransformer model = load_model(ctx, tiny.folder);
    const auto [logits, other] = model.run_with_cache(ctx, tiny.clean(), NamesFilter::all());
    EXPECT_EQ(differing_bits(logits.values, expected.values), 0) << threads;
    for (const auto& [name, activation] : cache.entries()) {
      EXPECT_EQ(differing_bits(other[name], activation), 0) << threads << " " << name.str();
    }
  }
}

TEST_P(Exactness, EveryDispatchTargetGivesTheSameBits) {
  const TinyModel tiny(GetParam());
  const auto [expected, cache] =
      tiny.model.run_with_cache(tiny.ctx, tiny.clean(), NamesFilter::all());
  ASSERT_GE(targets().size(), 2U);  // at least one vector target and the reference
  for (const Target& target : targets()) {
    const ScopedTarget scope(target);
    const auto [logits, other] =
        tiny.model.run_with_cache(tiny.ctx, tiny.clean(), NamesFilter::all());
    EXPECT_EQ(differing_bits(logits.values, expected.values), 0) << target.name;
    for (const auto& [name, activation] : cache.entries()) {
      EXPECT_EQ(differing_bits(other[name], activation), 0) << target.name << " " << name.str();
    }
  }
}

// The naive twin of a replay: a whole pass in which a hook writes the same rows.
class ReplayTwin : public ::testing::TestWithParam<const char*> {
 protected:
  // resid_pre and resid_mid of three layers, and the final state
  static constexpr int kDoors = 7;
  static HookName changed_point(int i) {
    if (i + 1 == kDoors) return {HookPoint::kResidPost, 2};
    return {i % 2 == 0 ? HookPoint::kResidPre : HookPoint::kResidMid, i / 2};
  }

  // Replays `sequences` variants; row sets and values are made from the seed.
  void compare(const std::vector<Prompt>& prompts, const HookName& at, unsigned seed,
               const Demand& demand) {
    const BaseRun base = tiny_.model.base_run(tiny_.ctx, prompts);
    const std::int64_t d_model = tiny_.model.cfg().d_model;
    std::vector<std::int32_t> base_prompt;
    std::vector<Row> rows;
    unsigned state = seed;
    const auto random = [&state](unsigned n) {
      state = state * 1664525U + 1013904223U;
      return (state >> 8) % n;
    };
    for (std::int32_t sequence = 0; sequence < 6; ++sequence) {
      base_prompt.push_back(
          static_cast<std::int32_t>(random(static_cast<unsigned>(prompts.size()))));
      const auto length =
          static_cast<unsigned>(prompts[static_cast<std::size_t>(base_prompt.back())].size());
      for (unsigned position = 0; position < length; ++position) {
        if (random(4) == 0) rows.push_back({sequence, static_cast<std::int32_t>(position)});
      }
    }
    const RowSet changed(rows);
    Tensor values = Tensor::uninitialized({changed.size(), d_model});
    for (float& value : values.flat()) value = static_cast<float>(random(2000)) / 500.0F - 2.0F;
    const Logits replayed = tiny_.model.replay(
        tiny_.ctx, base, start_at(at, base_prompt, changed.list(), values), demand);

    for (std::int32_t sequence = 0; sequence < 6; ++sequence) {
      const Hooks hooks = {{at, [&](TensorView resid, const HookName&) {
                              for (std::int64_t i = 0; i < changed.size(); ++i) {
                                if (changed[i].sequence != sequence) continue;
                                std::ranges::copy(std::as_const(values)[i].flat(),
                                                  resid[0][changed[i].position].data());
                              }
                            }}};
      const std::vector<Prompt> one = {
          prompts[static_cast<std::size_t>(base_prompt[static_cast<std::size_t>(sequence)])]};
      const Logits naive = tiny_.model.run_with_hooks(tiny_.ctx, one, hooks);
      const auto [begin, end] = replayed.rows.of_sequence(sequence);
      for (std::int64_t i = begin; i < end; ++i) {
        const auto expected = naive.at(0, replayed.rows[i].position);
        EXPECT_EQ(std::memcmp(replayed.values[i].data(), expected.data(),
                              expected.size() * sizeof(float)),
                  0)
            << "changed at " << at.str() << ", sequence " << sequence << ", position "
            << replayed.rows[i].position;
      }
    }
  }

  TinyModel tiny_{GetParam()};
};

TEST_P(ReplayTwin, EqualsAWholePassAtEveryDoorAndPosition) {
  for (int i = 0; i < kDoors; ++i)
    compare(tiny_.clean(), changed_point(i), 7U + static_cast<unsigned>(i), {});
}

TEST_P(ReplayTwin, EqualsAWholePassOnPromptsOfDifferentLengths) {
  for (int i = 0; i < kDoors; ++i)
    compare(tiny_.ragged(), changed_point(i), 70U + static_cast<unsigned>(i), {});
}

TEST_P(ReplayTwin, EqualsAWholePassWhenOnlyTheLastPositionIsDemanded) {
  for (int i = 0; i < kDoors; ++i) {
    compare(tiny_.clean(), changed_point(i), 700U + static_cast<unsigned>(i),
            {.logits = Demand::At::kLastPosition});
  }
}

TEST_P(ReplayTwin, WithTheBaseRunsOwnRowsIsTheBaseRun) {
  const std::vector<Prompt> prompts = tiny_.ragged();
  const BaseRun base = tiny_.model.base_run(tiny_.ctx, prompts);
  const Logits expected = tiny_.model.run(tiny_.ctx, prompts);
  std::vector<std::int32_t> everyone(prompts.size());
  std::iota(everyone.begin(), everyone.end(), 0);
  for (int i = 0; i < kDoors; ++i) {
    const HookName at = changed_point(i);
    const BaseRun::Layer& layer = base.layers[static_cast<std::size_t>(at.layer)];
    const Tensor& held = at.point == HookPoint::kResidPost  ? base.resid_final
                         : at.point == HookPoint::kResidMid ? layer.resid_mid
                                                            : layer.resid_pre;
    const Logits same =
        tiny_.model.replay(tiny_.ctx, base, start_at(at, everyone, expected.rows.list(), held));
    EXPECT_EQ(differing_bits(same.values, expected.values), 0);
  }
}

TEST_P(ReplayTwin, WithHooksAndACacheEqualsAWholePass) {
  const std::vector<Prompt> prompts = tiny_.clean();
  const BaseRun base = tiny_.model.base_run(tiny_.ctx, prompts);
  const Tensor value({1, tiny_.model.cfg().d_model});
  const HookFunction write = [](TensorView resid, const HookName&) {
    std::ranges::fill(resid[0][4].flat(), 0.0F);
  };
  const HookFunction damp = [](TensorView z, const HookName&) {
    for (float& element : z.flat()) element *= 0.5F;
  };
  const std::vector<std::string> keep = {"blocks.2.*", "ln_final.*", "blocks.1.mlp.hook_post"};
  const Hooks after = {{"blocks.2.attn.hook_z", damp}};
  const Hooks both = {{"blocks.1.hook_resid_mid", write}, {"blocks.2.attn.hook_z", damp}};
  const auto [replayed, cache] = tiny_.model.replay_with_cache(
      tiny_.ctx, base, start_at({HookPoint::kResidMid, 1}, {2}, {{0, 4}}, value), keep, after);
  const auto [whole, expected] = tiny_.model.run_with_cache(tiny_.ctx, {prompts[2]}, keep, both);
  EXPECT_EQ(differing_bits(replayed.values, whole.values), 0);
  ASSERT_EQ(cache.size(), expected.size());
  for (const auto& [name, activation] : expected.entries()) {
    EXPECT_EQ(differing_bits(cache[name], activation), 0) << name.str();
  }
}

INSTANTIATE_TEST_SUITE_P(Each, Exactness, ::testing::ValuesIn(kTinyModels), model_test_name);
INSTANTIATE_TEST_SUITE_P(Each, ReplayTwin, ::testing::ValuesIn(kTinyModels), model_test_name);

}  // namespace
}  // namespace patchbay
