// Rows of the residual stream out of a replay, and edits of single heads' inputs, against whole
// passes with hooks, bit for bit.
#include <gtest/gtest.h>

#include <cstring>

#include "patchbay/base/error.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

using enum HookPoint;

constexpr int kLength = 12;

class ReplayRows : public ::testing::TestWithParam<const char*> {
 protected:
  // Edits of one sequence of prompt 1, and hooks that write the same.
  struct Change {
    ReplayStart start{{1}, {}};
    Hooks hooks;
  };

  void add(Change& change, const HookName& name, std::int32_t position, std::int64_t begin,
           const std::vector<float>& values) {
    change.start.edits.add(name, {{0, position}, begin, values});
    change.hooks.add(name, [=, &values](TensorView activation, const HookName&) {
      const std::int64_t width = activation.size() / kLength;
      std::ranges::copy(values, activation.data() + position * width + begin);
    });
  }

  [[nodiscard]] std::vector<Prompt> prompt() const { return {tiny_.clean()[1]}; }

  TinyModel tiny_{GetParam()};
  BaseRun base_ = tiny_.model.base_run(tiny_.ctx, tiny_.clean());
  std::vector<float> head_ = std::vector<float>(8, 0.25F);  // [d_head]
  std::vector<float> row_ =
      std::vector<float>(static_cast<std::size_t>(tiny_.model.cfg().d_model), 0.5F);  // [d_model]
};

TEST_P(ReplayRows, AreThoseOfAWholePass) {
  Change change;
  add(change, {kZ, 0}, 4, 8, head_);
  add(change, {kResidPre, 1}, 7, 0, row_);
  add(change, {kMlpOut, 1}, 2, 0, row_);
  const ActivationCache cache =
      tiny_.model.run_with_cache(tiny_.ctx, prompt(), NamesFilter::all(), change.hooks).second;
  std::vector<RowRead> reads;
  for (int layer = 0; layer < 3; ++layer) {
    for (const HookPointInfo& point : hook_points()) {  // in forward order
      const bool has_rows = point.is_stream() || point.writes_stream() || point.reads_stream();
      if (!has_rows || !point.is_in(tiny_.model.cfg()) || point.point == kMlpIn) continue;
      reads.push_back({{point.point, layer}, RowSet({{0, 2}, {0, 4}, {0, 5}, {0, 11}}), {}});
    }
  }
  for (std::size_t last = 1; last <= reads.size(); ++last) {  // it ends where the last read does
    const auto some = std::span(reads).first(last);
    tiny_.model.replay_rows(tiny_.ctx, base_, change.start, some);
    for (const RowRead& read : some) {
      for (std::int64_t i = 0; i < read.rows.size(); ++i) {
        const auto expected = cache[read.name].view()[0][read.rows[i].position].flat();
        EXPECT_EQ(std::memcmp(read.values.view()[i].data(), expected.data(), expected.size_bytes()),
                  0)
            << read.name.str() << ", position " << read.rows[i].position;
      }
    }
  }
}

TEST_P(ReplayRows, AnEditOfAHeadsInputIsThatOfAHook) {
  const std::int64_t d_model = tiny_.model.cfg().d_model;
  for (const HookPoint point : {kQInput, kKInput, kVInput}) {
    Change change;
    add(change, {point, 1}, 3, d_model, row_);
    add(change, {point, 1}, 9, 0, row_);
    const Logits expected = tiny_.model.run_with_hooks(tiny_.ctx, prompt(), change.hooks);
    const Logits logits = tiny_.model.replay(tiny_.ctx, base_, change.start);
    ASSERT_EQ(logits.values.size(), expected.values.size());
    EXPECT_EQ(std::memcmp(logits.values.data(), expected.values.data(),
                          static_cast<std::size_t>(expected.values.size()) * sizeof(float)),
              0)
        << info(point).short_name;
    const Logits unchanged = tiny_.model.replay(tiny_.ctx, base_, {{1}, {}});
    EXPECT_NE(std::memcmp(logits.values.data(), unchanged.values.data(),
                          static_cast<std::size_t>(expected.values.size()) * sizeof(float)),
              0)
        << info(point).short_name;
  }
}

TEST_P(ReplayRows, RefusesWhatIsNotThere) {
  const auto refused = [&](const HookName& name, const Row& row) -> std::string {
    std::vector<RowRead> reads = {{name, RowSet({row}), {}}};
    try {
      tiny_.model.replay_rows(tiny_.ctx, base_, {{1}, {}}, reads);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(refused({kPattern, 1}, {0, 2}),
            "[replay] rows of blocks.1.attn.hook_pattern cannot be read from a replay; take the "
            "residual stream, or what attention or MLP computes; a cache has the rest");
  EXPECT_NE(refused({kResidPre, 3}, {0, 2}).find("blocks.3.hook_resid_pre cannot be read"),
            std::string::npos);
  EXPECT_EQ(refused({kResidPre, 1}, {0, 12}),
            "[replay] there is no sequence 0, position 12 to read");
  EXPECT_EQ(refused({kResidPre, 1}, {1, 2}), "[replay] there is no sequence 1, position 2 to read");
}

INSTANTIATE_TEST_SUITE_P(Each, ReplayRows, ::testing::ValuesIn(kTinyModels), model_test_name);

}  // namespace
}  // namespace patchbay
