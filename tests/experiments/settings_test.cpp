// Settings of experiments: one list of fields, the same from C++ values and from text, and errors
// that name the field.
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <set>

#include "patchbay/experiments/accuracy.h"
#include "patchbay/experiments/activation_patching.h"
#include "patchbay/experiments/attention_patterns.h"
#include "patchbay/experiments/causal_tracing.h"
#include "patchbay/experiments/completeness.h"
#include "patchbay/experiments/copy_scores.h"
#include "patchbay/experiments/direct_logit_attribution.h"
#include "patchbay/experiments/faithfulness.h"
#include "patchbay/experiments/find_circuit.h"
#include "patchbay/experiments/head_scores.h"
#include "patchbay/experiments/logit_lens.h"
#include "patchbay/experiments/path_patching.h"
#include "patchbay/experiments/settings_common.h"
#include "patchbay/results/result_json.h"
#include "patchbay/study/study.h"
#include "tests/support/experiment_runs.h"
#include "tests/support/prompt_pairs.h"

namespace patchbay::experiments {
namespace {

TEST(ExperimentFields, HaveEachNameOnceAndSayWhatTheyAre) {
  for (const Experiment* experiment : all()) {
    std::set<std::string> names;
    for (const Field& field : experiment->fields) {
      EXPECT_TRUE(names.insert(field.name).second) << experiment->name << " " << field.name;
      EXPECT_FALSE(field.what.empty()) << experiment->name << " " << field.name;
      EXPECT_EQ(field.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), std::string::npos);
    }
    EXPECT_FALSE(names.empty()) << experiment->name;
  }
}

TEST(ExperimentFields, OfDefaultsReadBackAsTheSameText) {
  for (const Experiment* experiment : all()) {
    Texts given;
    for (const Field& field : experiment->fields) given[field.name] = field.fallback;
    const std::vector<Option> options = experiment->with(given).options;
    ASSERT_EQ(options.size(), experiment->fields.size()) << experiment->name;
    for (std::size_t i = 0; i < options.size(); ++i) {
      EXPECT_EQ(options[i].name, experiment->fields[i].name) << experiment->name;
      EXPECT_EQ(std::get<std::string>(options[i].value), experiment->fields[i].fallback)
          << experiment->name << " " << options[i].name;
    }
  }
}

TEST(ExperimentFields, OfTheStudiesThatShipReadBackAsTheSameText) {
  int given = 0;
  for (const auto& [name, path] :
       list_studies({std::filesystem::path(PATCHBAY_MODELS_DIR) / "../studies"})) {
    const Study study = read_study(path);
    for (const StudyStep& step : study.steps) {
      for (const Option& option : find(step.experiment).with(step.settings).options) {
        const auto said = step.settings.find(option.name);
        if (said == step.settings.end()) continue;
        EXPECT_EQ(std::get<std::string>(option.value), said->second) << name << " " << step.id;
        ++given;
      }
    }
  }
  EXPECT_GT(given, 40);
}

TEST(ExperimentFields, AreRecordedInOneSpelling) {
  const auto recorded = [](const char* experiment, const Texts& given, std::string_view name) {
    for (const Option& option : find(experiment).with(given).options) {
      if (option.name == name) return std::get<std::string>(option.value);
    }
    return std::string("nothing");
  };
  EXPECT_EQ(recorded("activation_patching", {{"axes", "layer , head"}}, "axes"), "layer,head");
  EXPECT_EQ(recorded("activation_patching", {{"source", "gaussian"}, {"sigma", "0.10"}}, "sigma"),
            "0.1");
  EXPECT_EQ(recorded("path_patching", {{"each-receiver", "true"}}, "each-receiver"), "yes");
  EXPECT_EQ(recorded("path_patching", {{"mlps", "frozen"}}, "mlps"), "frozen");
  EXPECT_EQ(recorded("causal_tracing", {{"draws", " 7 "}}, "draws"), "7");
  EXPECT_EQ(recorded("activation_patching", {{"layers", "-1, 0"}}, "layers"), "-1, 0");
}

TEST(ExperimentFields, SuggestWhatAFieldIsCalledNow) {
  const auto says = [](const auto& function) {
    try {
      function();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const std::string error = says([] {
    (void)find("activation_patching").with({{"sources", "IO"}});
  });
  EXPECT_NE(error.find("no option \"sources\"; did you mean \"src-positions\"?"), std::string::npos)
      << error;
  const std::string in_study = says([] {
    (void)parse_study(
        "title = 't'\nmodel = 'm'\ntask = { name = 'ioi' }\n[[experiment]]\nid = 'a'\n"
        "experiment = 'attention_patterns'\ntitle = 't'\noptions = { destinations = 'END' }\n",
        "a.toml");
  });
  EXPECT_NE(in_study.find("did you mean \"dest-positions\"?"), std::string::npos) << in_study;
  EXPECT_EQ(says([] {
              (void)find("logit_lens").with({{"sources", "IO"}});
            }).find("[logit_lens] there is no option \"sources\"; there are scale, metric"),
            0U);
}

TEST(Selections, AreWrittenAsTextsOfTheSameMeaning) {
  EXPECT_EQ((Indices{0, -1}).text(), "0,-1");
  EXPECT_EQ((PositionList{"IO", "S1+1"}).text(), "IO,S1+1");
  EXPECT_EQ(PositionList(Indices{3, 4}).text(), "3,4");
  EXPECT_EQ((NodeList{{9, 9}, {10, 0}}).text(), "9.9,10.0");
  EXPECT_EQ(ReceiverPath(HookPoint::kQ, {{9, 9}, {9, 6}}).text(), "q:9.9,9.6");
  EXPECT_THROW(ReceiverPath(HookPoint::kMlpIn, {{9, 9}}), FieldError);
  EXPECT_EQ((Indices{4, 0}).of(5, "layers"), (std::vector<std::int64_t>{0, 4}));
  EXPECT_THROW((void)(Indices{4, 0, 4}).of(5, "layers"), FieldError) << "it is given twice";
  EXPECT_EQ(Indices("-2-4,middle").of(5, "layers"), (std::vector<std::int64_t>{2, 3, 4}));
  EXPECT_EQ(Indices().of(2, "layers"), (std::vector<std::int64_t>{0, 1}));
}

// Both kinds of call on the prompts of the reference.
class TypedSettings : public ::testing::Test {
 protected:
  template <class Settings>
  void expect_same(const Settings& settings, const Texts& texts) {
    Session session(tiny_.ctx, tiny_.model, prompts_);
    EXPECT_EQ(to_json(run(session, settings)),
              to_json(find(Settings::kName).with(texts).run(session)))
        << Settings::kName;
  }

  // The error of a run and of a check, which must be the same.
  template <class Settings>
  std::string error_of(const Settings& settings) {
    Session session(tiny_.ctx, tiny_.model, prompts_);
    std::string says[2] = {"no error", "no error"};
    const std::function<void()> calls[] = {[&] { check(session, settings); },
                                           [&] { (void)run(session, settings); }};
    for (std::size_t i = 0; i < 2; ++i) {
      try {
        calls[i]();
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kUsage);
        says[i] = error.what();
      }
    }
    EXPECT_EQ(says[0], says[1]);
    return says[1];
  }

  TinyGpt2 tiny_;
  PromptSet prompts_ = reference_pairs(tiny_);
};

TEST_F(TypedSettings, GiveTheTableOfTheSameTexts) {
  expect_same(ActivationPatching{.site = {HookPoint::kZ, HookPoint::kResidPre},
                                 .axes = {PatchAxis::kLayer, PatchAxis::kPosition},
                                 .layers = {0, -1},
                                 .positions = {"MIDDLE", "END"},
                                 .direction = Direction::kDenoise,
                                 .source = {.kind = SourceKind::kGaussian, .seed = 3},
                                 .metric = &metrics::find("prob"),
                                 .effect = EffectKind::kRaw,
                                 .aggregate = Aggregate::kMeanOfRatios},
              {{"site", "z,resid_pre"},
               {"axes", "layer,position"},
               {"layers", "0,-1"},
               {"positions", "MIDDLE,END"},
               {"direction", "denoise"},
               {"source", "gaussian"},
               {"source-seed", "3"},
               {"metric", "prob"},
               {"effect", "raw"},
               {"aggregate", "mean_of_ratios"}});
  expect_same(PathPatching{.preset = {"paper", "arena"},
                           .sender = {{0, 1}, {1, 2}},
                           .receiver = {HookPoint::kQ, {{2, 1}, {2, 2}}},
                           .each_receiver = true,
                           .freeze_mlps = true,
                           .effect = EffectKind::kRecovered},
              {{"preset", "paper,arena"},
               {"sender", "0.1,1.2"},
               {"receiver", "q:2.1,2.2"},
               {"each-receiver", "yes"},
               {"mlps", "frozen"},
               {"effect", "recovered"}});
  expect_same(CausalTracing{.site = HookPoint::kMlpOut,
                            .subject = {"MIDDLE"},
                            .positions = {"END"},
                            .window = 2,
                            .noise = 0.5,
                            .draws = 2},
              {{"site", "mlp_out"},
               {"subject", "MIDDLE"},
               {"positions", "END"},
               {"window", "2"},
               {"noise", "0.5"},
               {"draws", "2"}});
  expect_same(
      AttentionPatterns{
          .nodes = {{1, 2}}, .side = AttentionPatterns::Side::kClean, .src_positions = {"MIDDLE"}},
      {{"nodes", "1.2"}, {"side", "clean"}, {"src-positions", "MIDDLE"}});
  expect_same(DirectLogitAttribution{.components = DirectLogitAttribution::Components::kHeads,
                                     .layers = {1},
                                     .side = DirectLogitAttribution::Side::kCorrupted},
              {{"components", "heads"}, {"layers", "1"}, {"side", "corrupted"}});
  expect_same(LogitLens{.scale = LogitLens::Scale::kCached}, {{"scale", "cached"}});
  expect_same(HeadScores{.sequences = 1, .length = 4, .token_seed = 9},
              {{"sequences", "1"}, {"length", "4"}, {"token-seed", "9"}});
  expect_same(Faithfulness{.circuit = Circuit{.classes = {{.name = "some",
                                                           .heads = {{1, 1}, {2, 0}},
                                                           .positions = {"END"}}}},
                           .source = {.kind = SourceKind::kZero},
                           .ablate_mlps = true},
              {{"circuit", "some: 1.1 2.0 @ END"}, {"source", "zero"}, {"mlps", "ablated"}});
  expect_same(Accuracy{.metrics = {"rank"}}, {{"metrics", "rank"}});
}

TEST_F(TypedSettings, MayHaveAMetricOfOnesOwn) {
  const metrics::Metric twice = {.name = "twice",
                                 .what = "twice the logit difference",
                                 .needs_wrong = true,
                                 .compute = +[](const metrics::MetricInput& input) {
                                   return 2.0 * metrics::find("logit_diff").value(input);
                                 }};
  Session session(tiny_.ctx, tiny_.model, prompts_);
  const EffectTable own = run(session, ActivationPatching{.layers = {1}, .metric = &twice});
  const EffectTable known = run(session, ActivationPatching{.layers = {1}});
  EXPECT_EQ(own.metric, "twice");
  ASSERT_EQ(own.values.size(), known.values.size());
  for (std::size_t i = 0; i < own.values.size(); ++i) {
    EXPECT_EQ(own.values[i], 2.0 * known.values[i]);
  }
}

TEST_F(TypedSettings, ThatCannotBeAreErrorsThatNameTheField) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(error_of(ActivationPatching{.site = {}}), "[site] is empty; leave it out for z");
  EXPECT_EQ(error_of(ActivationPatching{.site = {HookPoint::kAttnIn}}),
            "[site] is empty; leave it out for z");
  EXPECT_EQ(error_of(ActivationPatching{.layers = Indices(std::vector<std::int64_t>())}),
            "[layers] is empty; give it a value or leave it out");
  EXPECT_EQ(error_of(ActivationPatching{.layers = {7}}),
            "[layers] \"7\" is not a number or a range of 0 to 2");
  EXPECT_EQ(error_of(ActivationPatching{.direction = Direction::kNone}),
            "[direction] choose noise or denoise");
  EXPECT_EQ(error_of(ActivationPatching{.source = {.sigma = nan}}),
            "[sigma] \"nan\" is not a number");
  EXPECT_EQ(error_of(ActivationPatching{.source = {.seed = std::uint64_t{1} << 63}}),
            "[source-seed] \"9223372036854775808\" is not a whole number from 0 to "
            "9223372036854775807");
  EXPECT_EQ(error_of(ActivationPatching{.metric = nullptr}),
            "[metric] is empty; leave it out for logit_diff");
  const metrics::Metric without_function = {.name = "nothing", .what = "no function"};
  EXPECT_EQ(error_of(ActivationPatching{.metric = &without_function}),
            "[metric] is empty; leave it out for logit_diff");
  EXPECT_EQ(error_of(Accuracy{.metrics = {}}).find("[metrics] is empty; leave it out for acc"), 0U);
  EXPECT_EQ(error_of(PathPatching{.preset = {}}), "[preset] is empty; leave it out for paper");
  EXPECT_EQ(error_of(PathPatching{.sender = NodeList(std::span<const Head>())}),
            "[sender] is empty; leave it out for heads");
  EXPECT_EQ(error_of(PathPatching{.receiver = {""}}),
            "[receiver] is empty; leave it out for logits");
  EXPECT_EQ(error_of(CausalTracing{.window = 4}),
            "[window] \"4\" is not a whole number from 0 to 3");
  EXPECT_EQ(error_of(CausalTracing{.draws = 0}),
            "[draws] \"0\" is not a whole number from 1 to 1000000");
  EXPECT_EQ(error_of(CausalTracing{.noise = nan}), "[noise] \"nan\" is not a number");
  EXPECT_EQ(error_of(HeadScores{.length = 1}),
            "[length] \"1\" is not a whole number from 2 to 1000000");
  EXPECT_EQ(error_of(CopyScores{.names = {}}), "[names] is empty; leave it out for IO,S1,S2");
  EXPECT_EQ(error_of(CopyScores{.names = {"END"}, .top_tokens = 0})
                .find("[top-tokens] \"0\" is not a whole number from 1 to "),
            0U);
  EXPECT_EQ(error_of(FindCircuit{.threshold = 0.0}),
            "[threshold] must be more than 0 percent; 5 is the usual one");
  EXPECT_EQ(error_of(Faithfulness{}).find("[circuit] say which circuit"), 0U);
  EXPECT_EQ(error_of(Completeness{.circuit = {"1.1"}, .candidates = 0}),
            "[candidates] \"0\" is not a whole number from 1 to 1000");
}

}  // namespace
}  // namespace patchbay::experiments
