// Replays in random combinations (edits of any rows, variants, hooks, caches, demands) against
// whole passes in which hooks write the same values, bit for bit.
#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <utility>

#include "tests/support/hooks_that_write.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

class Random {
 public:
  explicit Random(std::uint32_t seed) : state_(seed) {}
  std::int32_t below(std::int64_t n) {
    state_ = state_ * 1664525U + 1013904223U;
    return static_cast<std::int32_t>((state_ >> 8) % static_cast<std::uint32_t>(n));
  }

 private:
  std::uint32_t state_;
};

// An edit of some elements, the same ones in every run of the same shape.
HookFunction random_edit(const HookedTransformerConfig& cfg, Random& random) {
  const auto seed = static_cast<std::uint32_t>(random.below(1 << 20));
  const std::int32_t kind = random.below(3);
  return [seed, kind, &cfg](TensorView view, const HookName& name) {
    if (kind == 0) return;  // looks, and edits nothing
    Random own(seed);
    const bool causal = is_attention(name.point);
    const std::int64_t edits = kind == 1 ? 1 : view.size() / 3;
    for (std::int64_t i = 0; i < edits; ++i) {
      const std::int64_t at = own.below(view.size());
      const bool unseen =
          causal && !cfg.visible_keys(name.layer, at / view.shape()[3] % view.shape()[2])
                         .contains(at % view.shape()[3]);
      if (!unseen) view.data()[at] = view.data()[at] * 0.5F + 0.25F;
    }
  };
}

struct Case {
  std::vector<Prompt> prompts;
  std::vector<std::int32_t> base_prompt;
  std::vector<std::pair<HookName, RowEdit>> edits;
  std::deque<std::vector<float>> values;  // of the edits
  Hooks hooks;
  NamesFilter keep;
  Demand demand;

  [[nodiscard]] ReplayStart start() const {
    ReplayStart start{base_prompt, {}};
    for (const auto& [name, edit] : edits) start.edits.add(name, edit);
    return start;
  }
};

// One edit: a whole row, or a part of it; of attention, some keys of one head.
void add_edit(Case& c, const HookName& name, const Row& row, std::int64_t length,
              const HookedTransformerConfig& cfg, Random& random) {
  const bool attention = is_attention(name.point);
  const KeyRange seen = cfg.visible_keys(std::max(name.layer, 0), row.position);
  const std::int64_t width = attention ? seen.end - seen.first : name.shape(cfg, 1, 1).size();
  const std::int64_t unit = is_head_input(name.point) ? cfg.d_model : 1;  // edited whole
  const std::int64_t units = width / unit;
  const std::int64_t first = random.below(2) == 0 ? 0 : random.below(units);
  const bool whole = first == 0 && random.below(2) == 0;
  const std::int64_t begin = first * unit;
  const std::int64_t count = (whole ? units : 1 + random.below(units - first)) * unit;
  std::vector<float>& values = c.values.emplace_back();
  for (std::int64_t i = 0; i < count; ++i) {
    values.push_back(static_cast<float>(random.below(2000)) / 500.0F - 1.999F);  // no zero scale
  }
  const std::int64_t head = attention ? random.below(cfg.n_heads) * length + seen.first : 0;
  c.edits.push_back({name, {row, head + begin, values}});
}

Case random_case(const HookedTransformerConfig& cfg, Random& random) {
  Case result;
  const std::int32_t length = 1 + random.below(9);
  result.prompts.resize(static_cast<std::size_t>(1 + random.below(3)));
  for (Prompt& prompt : result.prompts) {
    for (std::int32_t i = 0; i < length; ++i) prompt.push_back(random.below(cfg.d_vocab));
  }
  std::vector<HookName> names;
  for (const HookName& name : hook_names(cfg)) {
    const bool after = is_after_blocks(name.point);
    if (info(name.point).is_site() || (after && info(name.point).editable)) names.push_back(name);
  }
  const std::int32_t sequences = 1 + random.below(4);
  for (std::int32_t sequence = 0; sequence < sequences; ++sequence) {
    result.base_prompt.push_back(random.below(static_cast<std::int64_t>(result.prompts.size())));
  }
  for (std::int32_t point = random.below(4); point > 0; --point) {
    const HookName name =
        names[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(names.size())))];
    const bool everywhere = random.below(4) == 0;
    for (std::int32_t sequence = 0; sequence < sequences; ++sequence) {
      for (std::int32_t position = length; position-- > 0;) {  // not in order
        if (everywhere || random.below(5) == 0) {
          add_edit(result, name, {sequence, position}, length, cfg, random);
        }
      }
    }
  }
  // The embeddings come before every replay.
  std::vector<HookName> after;
  for (const HookName& name : hook_names(cfg)) {
    if (name.point >= HookPoint::kResidPre) after.push_back(name);
  }
  const auto any_after = [&] {
    return after[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(after.size())))];
  };
  for (std::int32_t i = random.below(2) * random.below(4); i > 0; --i) {
    const HookName name = any_after();
    result.hooks.add(name, random_edit(cfg, random));
  }
  std::vector<std::string> kept;
  for (std::int32_t i = random.below(2) * random.below(3); i > 0; --i)
    kept.push_back(any_after().str());
  if (!kept.empty()) result.keep = NamesFilter(kept);
  constexpr Demand::At kKinds[] = {Demand::At::kNowhere, Demand::At::kLastPosition,
                                   Demand::At::kEverywhere, Demand::At::kRows};
  result.demand.logits = kKinds[random.below(4)];
  if (result.demand.logits == Demand::At::kRows) {
    for (std::int32_t i = random.below(3); i >= 0; --i) {
      const std::int32_t sequence = random.below(sequences);
      result.demand.rows.push_back({sequence, random.below(length)});
    }
  }
  for (std::int32_t i = random.below(2) * random.below(20); i > 0; --i) {
    result.demand.tokens.push_back(random.below(cfg.d_vocab));
  }
  return result;
}

// Elements of `some` that differ from the same logits of `whole`.
std::int64_t differing(const Logits& some, const Logits& whole) {
  std::int64_t count = 0;
  for (const Row& row : some.rows) {
    const auto values = some.at(row.sequence, row.position);
    const auto all = whole.at(row.sequence, row.position);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto token = some.tokens.empty() ? i : static_cast<std::size_t>(some.tokens[i]);
      if (std::memcmp(&values[i], &all[token], sizeof(float)) != 0) ++count;
    }
  }
  return count;
}

class ReplayFuzz : public ::testing::TestWithParam<const char*> {};

TEST_P(ReplayFuzz, EqualsWholePassesWithTheSameEdits) {
  const TinyModel tiny(GetParam());
  Random random(20);
  for (int i = 0; i < 600; ++i) {
    const Case c = random_case(tiny.model.cfg(), random);
    const BaseRun base = tiny.model.base_run(tiny.ctx, c.prompts);
    const auto [replayed, cache] =
        tiny.model.replay_with_cache(tiny.ctx, base, c.start(), c.keep, c.hooks, c.demand);

    std::vector<Prompt> variants;
    for (const std::int32_t prompt : c.base_prompt) {
      variants.push_back(c.prompts[static_cast<std::size_t>(prompt)]);
    }
    const RowEdits written = c.start().edits;
    Hooks edits = hooks_that_write(written);
    for (const Hooks::Entry& entry : c.hooks.entries()) edits.add(entry.where, entry.function);
    const auto [whole, expected] = tiny.model.run_with_cache(tiny.ctx, variants, c.keep, edits);
    const Logits less = tiny.model.run_with_hooks(tiny.ctx, variants, edits, c.demand);

    ASSERT_EQ(differing(replayed, whole), 0) << "case " << i;
    ASSERT_EQ(differing(less, whole), 0) << "case " << i;
    ASSERT_EQ(cache.size(), expected.size());
    for (const auto& [name, activation] : expected.entries()) {
      ASSERT_EQ(std::memcmp(cache[name].data(), activation.data(),
                            static_cast<std::size_t>(activation.size()) * sizeof(float)),
                0)
          << "case " << i << ", " << name.str();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Each, ReplayFuzz, ::testing::ValuesIn(kTinyArchitectures),
                         model_test_name);

}  // namespace
}  // namespace patchbay
