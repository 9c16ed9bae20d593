// The experiment path_patching: presets, what senders and receivers may be, and what is recorded.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/experiment_runs.h"
#include "tests/support/prompt_pairs.h"

namespace patchbay {
namespace {

std::string option(const EffectTable& table, std::string_view name) {
  const auto found = std::ranges::find(table.options, name, &Option::name);
  return found == table.options.end() ? "none" : std::get<std::string>(found->value);
}

class Presets : public ::testing::TestWithParam<const char*> {
 protected:
  EffectTable run(const GivenSettings& given) {
    return run_experiment("path_patching", tiny_, prompts_, given);
  }
  TinyModel tiny_{GetParam()};
  PromptSet prompts_ = reference_pairs(tiny_);
};

TEST(PathPatching, SaysWhoSharesTheKeysAndValuesOfReceivers) {
  const TinyModel tiny("tiny-llama");
  const EffectTable table =
      run_experiment("path_patching", tiny, reference_pairs(tiny),
                     {{"receiver", "k:1.4;v:1.0;q:1.4;pattern:1.2"}, {"each-receiver", "yes"}});
  const auto axis = std::ranges::find(table.axes, "receiver", &TableAxis::name);
  ASSERT_NE(axis, table.axes.end());
  EXPECT_EQ(axis->labels,
            (std::vector<std::string>{"k:1.4 (keys of heads 3-5)", "v:1.0 (values of heads 0-2)",
                                      "q:1.4", "pattern:1.2 (keys of heads 0-2)"}));
}

TEST_P(Presets, AreTheSwitchesThatTheyStandFor) {
  const GivenSettings queries = {{"receiver", "q:2.1"}, {"receiver-position", "END"}};
  const auto with = [&](GivenSettings given) {
    given.insert(queries.begin(), queries.end());
    return run(given);
  };
  const EffectTable paper = with({});
  EXPECT_EQ(option(paper, "meaning"), "heads_frozen");
  EXPECT_EQ(option(paper, "mlps"), "live");
  EXPECT_EQ(option(paper, "sender-position"), "END");
  EXPECT_EQ(paper.effect, EffectKind::kPercentOfClean);
  EXPECT_EQ(with({{"preset", "easy_transformer"}}).values, paper.values);

  const EffectTable arena = with({{"preset", "arena"}});
  EXPECT_EQ(arena.effect, EffectKind::kOfGap);
  EXPECT_EQ(option(arena, "sender-position"), "all");
  EXPECT_EQ(arena.values, with({{"sender-position", "all"}}).values);
  EXPECT_EQ(with({{"preset", "path_patching_lib"}}).values, arena.values);

  const EffectTable pyvene = with({{"preset", "pyvene"}});
  EXPECT_EQ(pyvene.values, with({{"mlps", "frozen"}}).values);
  EXPECT_NE(pyvene.values, paper.values);

  const EffectTable acdc = with({{"preset", "acdc_edge"}});
  EXPECT_EQ(acdc.values, with({{"meaning", "edge"}, {"sender-position", "all"}}).values);
  EXPECT_EQ(acdc.effect, EffectKind::kRaw);

  const EffectTable linear = with({{"preset", "transformer_lens_linear"}});
  EXPECT_EQ(linear.direction, Direction::kDenoise);
  EXPECT_EQ(
      linear.values,
      with({{"meaning", "linear"}, {"direction", "denoise"}, {"sender-position", "all"}}).values);
  EXPECT_NE(linear.notes[0].find("TransformerLens 3, direct_path_patching.py"), std::string::npos);
}

TEST_P(Presets, SideBySideAreAnAxisAndSayWhereTheyDisagree) {
  const EffectTable table = run({{"preset", "paper,arena,pyvene"}});
  EXPECT_EQ(table.axes[0].labels, (std::vector<std::string>{"paper", "arena", "pyvene"}));
  const auto alone = run({{"preset", "pyvene"}}).values;
  const auto first = table.values.end() - static_cast<std::ptrdiff_t>(alone.size());
  EXPECT_TRUE(std::equal(alone.begin(), alone.end(), first));
  EXPECT_EQ(table.effect, EffectKind::kFraction);
  const auto has = [&](const std::string& part) {
    return std::ranges::any_of(
        table.notes, [&](const std::string& note) { return note.find(part) != std::string::npos; });
  };
  EXPECT_TRUE(has("paper and arena give the same numbers"));  // to the logits END alone matters
  EXPECT_TRUE(has("paper and pyvene differ most at layer "));
  EXPECT_TRUE(
      has("arena: heads_frozen (MLPs live, norms live), senders at all, noise; of_gap = "
          "(patched - clean) / (clean - corrupted)"));
}

TEST_P(Presets, ThatPatchOtherRunsNeedADirection) {
  const GivenSettings both = {{"preset", "paper,transformer_lens_linear"}, {"receiver", "q:2.1"}};
  EXPECT_NE(usage_error("path_patching", tiny_, prompts_, both)
                .find("paper patches the clean run and transformer_lens_linear the other one"),
            std::string::npos)
      << usage_error("path_patching", tiny_, prompts_, both);
  GivenSettings noise = both;
  noise["direction"] = "noise";
  EXPECT_EQ(run(noise).axes[0].labels.size(), 2U);
}

TEST_P(Presets, SendersAreWhateverWritesAndReceiversWhateverReads) {
  const EffectTable nodes = run({{"sender", "nodes"}, {"sender-position", "all"}});
  const auto& labels = nodes.axes[0].labels;
  EXPECT_EQ(labels.size(), 1U + static_cast<std::size_t>(tiny_.model.cfg().n_layers *
                                                         (tiny_.model.cfg().n_heads + 1)));
  const EffectTable named = run(
      {{"sender", "embed,1.2,mlp1,attn_out:2,neuron:1.3,result:1.2"}, {"sender-position", "all"}});
  for (std::int64_t i = 0; i < 5; ++i) {
    for (const char* one : {"embed", "1.2", "mlp1"}) {
      EXPECT_EQ(value_at(nodes, {one}, i), value_at(named, {one}, i)) << one;
    }
    EXPECT_NEAR(value_at(named, {"result:1.2"}, i), value_at(named, {"1.2"}, i), 1e-5);
  }
  const EffectTable attn = run({{"sender", "attn_outs"}, {"sender-position", "all"}});
  EXPECT_EQ(value_at(attn, {"2"}, 0), value_at(named, {"attn_out:2"}, 0));

  // One sender, every later head that may read it, as one row of a matrix.
  const EffectTable swept =
      run({{"sender", "0.*"}, {"receiver", "q:all"}, {"each-receiver", "yes"}});
  ASSERT_EQ(swept.axes[0].labels.size(), static_cast<std::size_t>(tiny_.model.cfg().n_heads));
  EXPECT_EQ(swept.axes[1].labels.size(),
            static_cast<std::size_t>(tiny_.model.cfg().n_layers * tiny_.model.cfg().n_heads));
  const EffectTable one = run({{"sender", "0.1"}, {"receiver", "q:2.3"}});
  EXPECT_EQ(value_at(swept, {"0.1", "q:2.3"}, 2), value_at(one, {"0.1"}, 2));

  const EffectTable pattern = run({{"receiver", "pattern:2.1"}});
  EXPECT_EQ(pattern.values, run({{"receiver", "q:2.1;k:2.1"}}).values);
  EXPECT_NE(pattern.values, run({{"receiver", "q:2.1"}}).values);
  const EffectTable neuron = run({{"receiver", "neuron:2.3"}, {"other-heads", "live"}});
  EXPECT_EQ(option(neuron, "other-heads"), "live");
}

TEST_P(Presets, RefuseWhatIsNotThere) {
  const auto says = [&](const GivenSettings& given) {
    return usage_error("path_patching", tiny_, prompts_, given);
  };
  const std::pair<GivenSettings, const char*> cases[] = {
      {{{"preset", "papre"}}, "did you mean \"paper\"?"},
      {{{"preset", "paper,paper"}}, "paper is given twice"},
      {{{"preset", ""}}, "is empty; leave it out for paper"},
      {{{"meaning", "skipedge"}}, "did you mean \"skip_edge\"?"},
      {{{"sender", "attn_uot:1"}}, "did you mean \"attn_out\"?"},
      {{{"sender", "neuron:1.99999"}}, "99999"},
      {{{"receiver", "neuron"}}, "write neuron:9.100"},
      {{{"receiver", "pattern"}}, "write pattern:9.6"},
      {{{"norms", "frozen"}}, "live, clean, corrupted"},
      {{{"meaning", "edge"}, {"mlps", "frozen"}}, "of heads_frozen paths alone"},
      {{{"preset", "transformer_lens_linear"}}, "are q, k and v"}};
  for (const auto& [given, part] : cases) {
    EXPECT_NE(says(given).find(part), std::string::npos) << part << ": " << says(given);
  }
}

INSTANTIATE_TEST_SUITE_P(OfPathPatching, Presets, ::testing::ValuesIn(kTinyModels),
                         model_test_name);

}  // namespace
}  // namespace patchbay
