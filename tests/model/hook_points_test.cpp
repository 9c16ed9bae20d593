// What the table says of hook points holds in runs: which take row edits, what they read and write
// of the residual stream, and in which order.
#include "patchbay/hooks/hook_points.h"

#include <gtest/gtest.h>

#include <cstring>

#include "patchbay/base/error.h"
#include "patchbay/hooks/stream_order.h"
#include "tests/support/hooks_that_write.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

constexpr Row kRow = {1, 3};  // in two prompts of kLength tokens
constexpr std::size_t kLength = 6;

bool same(ConstTensorView a, ConstTensorView b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(float)) == 0;
}

class HookPoints : public ::testing::TestWithParam<const char*> {
 protected:
  HookPoints() {
    prompts_ = tiny_.clean();
    prompts_.resize(2);
    for (Prompt& prompt : prompts_) prompt.resize(kLength);
  }

  // A row with other values; of attention, what the last head gives the keys up to its query.
  RowEdits edit_of(const HookName& name) {
    const std::int64_t width = row_width(cfg_, name, kLength);
    const bool attention = is_attention(name.point);
    const std::int64_t begin = attention ? width - static_cast<std::int64_t>(kLength) : 0;
    values_.clear();
    for (std::int64_t i = 0; i < (attention ? kRow.position + 1 : width); ++i) {
      values_.push_back(0.5F + static_cast<float>(i * 37 % 11) / 16.0F);
    }
    RowEdits edits;
    edits.add(name, {kRow, begin, values_});
    return edits;
  }

  ActivationCache cache_of(const Hooks& hooks) const {
    return tiny_.model.run_with_cache(tiny_.ctx, prompts_, NamesFilter::all(), hooks).second;
  }

  std::vector<HookName> names_where(bool (HookPointInfo::*is)() const) const {
    std::vector<HookName> names;
    for (const HookName& name : hook_names(cfg_)) {
      if ((info(name.point).*is)()) names.push_back(name);
    }
    return names;
  }

  TinyModel tiny_{GetParam()};
  const HookedTransformerConfig& cfg_ = tiny_.model.cfg();
  std::vector<Prompt> prompts_;
  std::vector<float> values_;
};

TEST_P(HookPoints, RowEditsOfEditablePointsAreHooksThatWriteTheSame) {
  const Logits unedited = tiny_.model.run(tiny_.ctx, prompts_);
  const BaseRun base = tiny_.model.base_run(tiny_.ctx, prompts_);
  for (const HookName& name : hook_names(cfg_)) {
    SCOPED_TRACE(name.str());
    const RowEdits edits = edit_of(name);
    const bool kept = info(name.point).editable && !is_after_blocks(name.point);
    if (!kept) {
      EXPECT_THROW((void)tiny_.model.base_run(tiny_.ctx, prompts_, edits), Error);
    }
    if (!info(name.point).editable) continue;
    const Logits hooked = tiny_.model.run_with_hooks(tiny_.ctx, prompts_, hooks_that_write(edits));
    EXPECT_FALSE(same(hooked.values, unedited.values)) << "the edit reaches nothing";
    const BaseRun edited = kept ? tiny_.model.base_run(tiny_.ctx, prompts_, edits) : base;
    const ReplayStart start = {{0, 1}, kept ? RowEdits() : edits};
    EXPECT_TRUE(same(tiny_.model.replay(tiny_.ctx, edited, start).values, hooked.values));
    if (!info(name.point).is_site()) continue;
    EXPECT_TRUE(same(tiny_.model.replay(tiny_.ctx, base, {{0, 1}, edits}).values, hooked.values));
  }
}

TEST_P(HookPoints, WhatIsWrittenIsReadFromItsOrderInTheStreamOn) {
  const ActivationCache before = cache_of({});
  const std::vector<HookName> states = names_where(&HookPointInfo::is_stream);
  std::vector<HookName> written = names_where(&HookPointInfo::writes_stream);
  std::vector<HookName> read = names_where(&HookPointInfo::reads_stream);
  written.insert(written.end(), states.begin(), states.end());
  read.insert(read.end(), states.begin(), states.end());
  for (const HookName& from : written) {
    const RowEdits edits = edit_of(from);
    const ActivationCache after = cache_of(hooks_that_write(edits));
    for (const HookName& to : read) {
      // One state under two names: what is written to the second is seen there alone.
      if (from == HookName{HookPoint::kResidPre, to.layer + 1} &&
          to.point == HookPoint::kResidPost) {
        continue;
      }
      EXPECT_EQ(!same(after[to], before[to]), stream_order(cfg_, from) <= stream_order(cfg_, to))
          << from.str() << " to " << to.str();
    }
  }
}

TEST_P(HookPoints, WhatReadsTheRowReadsItThroughItsInput) {
  const ActivationCache before = cache_of({});
  for (const HookName& name : names_where(&HookPointInfo::reads_stream)) {
    SCOPED_TRACE(name.str());
    const HookName input = {info(name.point).input, name.layer};
    const HookName stream = {stream_read_by(cfg_, name.point), name.layer};
    EXPECT_EQ(stream_order(cfg_, stream), stream_order(cfg_, name));
    const ConstTensorView copy = before[input].view()[kRow.sequence][kRow.position];
    const ConstTensorView state = before[stream].view()[kRow.sequence][kRow.position];
    EXPECT_TRUE(same(copy.shape().rank() == 1 ? copy : copy[0], state));

    const RowEdits edits = edit_of(input);
    const ActivationCache after = cache_of(hooks_that_write(edits));
    EXPECT_FALSE(same(after[name], before[name]));
    EXPECT_TRUE(same(after[stream], before[stream]));
  }
}

INSTANTIATE_TEST_SUITE_P(Each, HookPoints, ::testing::ValuesIn(kTinyArchitectures),
                         model_test_name);

}  // namespace
}  // namespace patchbay
