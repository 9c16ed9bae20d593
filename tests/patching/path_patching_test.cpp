// The engine's paths against their twin's, bit for bit, and what must hold between their meanings.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "patchbay/base/error.h"
#include "patchbay/model/weight_processing.h"
#include "patchbay/patching/session.h"
#include "tests/support/plain_runs.h"
#include "tests/support/prompt_pairs.h"
#include "tests/support/tiny_models.h"
#include "tests/support/twin_runs.h"

namespace patchbay {
namespace {

using enum HookPoint;

constexpr std::size_t kEnd = 2;  // in reference_pairs' position names

Place head(int layer, std::int64_t number, Positions positions = {}) {
  return {.site = kZ, .layer = layer, .head = number, .positions = positions};
}

Place receiver(HookPoint site, int layer, std::int64_t number, Positions positions = {}) {
  return {.site = site, .layer = layer, .head = number, .positions = positions};
}

class PathPatching : public ::testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] const HookedTransformerConfig& cfg() const { return tiny_.model.cfg(); }

  // Each sender as a path of its own, with the same receivers.
  static std::vector<Path> paths(const std::vector<Intervention>& senders,
                                 const std::vector<Intervention>& receivers, bool to_logits) {
    std::vector<Path> result;
    for (const Intervention& sender : senders) result.push_back({sender, receivers, to_logits});
    return result;
  }

  [[nodiscard]] std::vector<Intervention> heads(Positions positions = {}) const {
    std::vector<Intervention> all;
    for (int layer = 0; layer < cfg().n_layers; ++layer) {
      for (std::int64_t number = 0; number < cfg().n_heads; ++number) {
        all.push_back({head(layer, number, positions)});
      }
    }
    return all;
  }

  [[nodiscard]] std::vector<Intervention> mlps(Positions positions = {}) const {
    std::vector<Intervention> all;
    for (int layer = 0; layer < cfg().n_layers; ++layer) {
      all.push_back({{.site = kMlpOut, .layer = layer, .positions = positions}});
    }
    return all;
  }

  void expect_same(const PromptSet& prompts, const PathSweep& sweep, const std::string& what) {
    const SweepResult plain = run_path_sweep_plainly(tiny_.ctx, tiny_.model, prompts, sweep);
    for (const RunOptions& options : twin_runs(900'000)) {
      const RunContext ctx(options);
      const SweepResult fast = run_path_sweep(ctx, tiny_.model, prompts, sweep);
      // From runs that are kept for later questions, of both sides where memory holds them.
      EXPECT_EQ(differing(Session(ctx, tiny_.model, prompts).run(sweep).values, plain.values), 0)
          << what;
      EXPECT_EQ(differing(fast.values, plain.values), 0) << what << ", " << options.max_memory;
      EXPECT_EQ(differing(fast.baselines.clean, plain.baselines.clean), 0) << what;
      EXPECT_EQ(differing(fast.baselines.corrupted, plain.baselines.corrupted), 0) << what;
      EXPECT_EQ(fast.unchanged, plain.unchanged) << what;
    }
  }

  TinyModel tiny_{GetParam()};
};

TEST_P(PathPatching, EqualsThePapersPassesToTheLogits) {
  for (const PromptSet& prompts : {reference_pairs(tiny_), ragged_pairs(tiny_)}) {
    for (const bool freeze_mlps : {false, true}) {
      for (const Direction direction : {Direction::kNoise, Direction::kDenoise}) {
        for (const Positions& positions :
             {Positions{}, Positions::named(kEnd), Positions::named(1)}) {
          std::vector<Intervention> senders = heads(positions);
          const auto more = mlps(positions);
          senders.insert(senders.end(), more.begin(), more.end());
          for (int layer = 0; layer < cfg().n_layers; ++layer) {
            for (const HookPoint site :
                 {kAttnOut, kResidPre, kResidMid, kResidPost, kMlpPost, kQ, kK, kV, kResult}) {
              senders.push_back({{.site = site, .layer = layer, .positions = positions}});
            }
            senders.push_back({receiver(kQ, layer, 1, positions)});
            senders.push_back({receiver(kV, layer, 0, positions)});
            senders.push_back({receiver(kPattern, layer, 1)});
          }
          senders.push_back({head(0, 1, positions), head(1, 0), head(2, 2, positions)});
          senders.push_back({head(0, 1), {.site = kMlpOut, .layer = 1, .positions = positions}});
          expect_same(prompts,
                      {.direction = direction,
                       .paths = paths(senders, {}, true),
                       .metric = metrics::find("logit_diff"),
                       .freeze_mlps = freeze_mlps},
                      freeze_mlps ? "frozen MLPs" : "live MLPs");
        }
      }
    }
  }
}

TEST_P(PathPatching, EqualsThePapersPassesToReceivers) {
  std::vector<Intervention> senders = heads(Positions::named(kEnd));
  for (const Intervention& sender : heads()) senders.push_back(sender);
  for (const Intervention& sender : mlps()) senders.push_back(sender);
  const std::vector<Intervention> groups = {
      {receiver(kQ, 2, 1, Positions::named(kEnd))},
      {receiver(kQ, 1, 0), receiver(kQ, 2, 3, Positions::named(kEnd))},
      {receiver(kK, 2, 0, Positions::named(1)), receiver(kV, 1, 1)},
      {receiver(kV, 2, Place::kAll)},
      {{.site = kMlpIn, .layer = 1}, receiver(kQ, 2, 2)},
      {{.site = kMlpIn, .layer = 2, .positions = Positions::named(kEnd)}},
      {{.site = kResidPre, .layer = 2, .positions = Positions::named(1)}},
      {{.site = kResidMid, .layer = 1}},
      {{.site = kResidPost, .layer = 2}}};
  for (const PromptSet& prompts : {reference_pairs(tiny_), ragged_pairs(tiny_)}) {
    for (std::size_t group = 0; group < groups.size(); ++group) {
      for (const bool freeze_mlps : {false, true}) {
        for (const bool to_logits : {false, true}) {
          expect_same(prompts,
                      {.paths = paths(senders, {groups[group]}, to_logits),
                       .metric = metrics::find("logit_diff"),
                       .freeze_mlps = freeze_mlps},
                      "group " + std::to_string(group));
        }
      }
    }
  }
}

TEST_P(PathPatching, EqualsThePapersPassesThroughSeveralReceivers) {
  const std::vector<std::vector<Intervention>> chains = {
      {{receiver(kV, 1, 0)}, {receiver(kQ, 2, 1, Positions::named(kEnd))}},
      {{receiver(kK, 1, 1, Positions::named(1)), receiver(kQ, 1, 2)},
       {{.site = kMlpIn, .layer = 1}},
       {receiver(kV, 2, 0), receiver(kQ, 2, 1)}},
      {{receiver(kQ, 1, 0), receiver(kQ, 2, 1)}, {{.site = kMlpIn, .layer = 2}}}};
  for (const auto& chain : chains) {
    for (const bool to_logits : {false, true}) {
      for (const Direction direction : {Direction::kNoise, Direction::kDenoise}) {
        expect_same(ragged_pairs(tiny_),
                    {.direction = direction,
                     .paths = paths(heads(), chain, to_logits),
                     .metric = metrics::find("kl_divergence")},
                    "chain");
      }
    }
  }
}

TEST_P(PathPatching, EqualsThePapersPassesForEverySource) {
  for (const SourceKind kind : kSourceKinds) {
    expect_same(reference_pairs(tiny_),
                {.paths = paths(heads(Positions::named(kEnd)), {{receiver(kQ, 2, 0)}}, false),
                 .source = {.kind = kind, .seed = 3, .sigma = 0.2},
                 .metric = metrics::find("logit_diff")},
                std::string(name_of(kind)));
  }
}

TEST_P(PathPatching, ARunWithItselfChangesNothing) {
  PromptSet prompts = reference_pairs(tiny_);
  for (PromptPair& pair : prompts.pairs) {
    pair.corrupted = pair.clean;
    pair.corrupted_positions = pair.positions;
  }
  for (const bool to_logits : {false, true}) {
    const std::vector<Path> all =
        paths(heads(), {{receiver(kQ, 2, 1), receiver(kK, 1, 0)}}, to_logits);
    const PathSweep sweep{.paths = all, .metric = metrics::find("logit_diff")};
    EXPECT_EQ(run_path_sweep(tiny_.ctx, tiny_.model, prompts, sweep).unchanged, std::ssize(all));
  }
}

// Frozen heads let nothing pass between positions, so END alone matters to the logits; and paths
// are really frozen: only heads of the last block have all of their effect on a direct path.
TEST_P(PathPatching, ToTheLogitsIsADirectEffect) {
  const PromptSet prompts = reference_pairs(tiny_);
  const auto run = [&](Positions positions) {
    return run_path_sweep(
               tiny_.ctx, tiny_.model, prompts,
               {.paths = paths(heads(positions), {}, true), .metric = metrics::find("logit_diff")})
        .values;
  };
  const std::vector<double> at_end = run(Positions::named(kEnd));
  EXPECT_EQ(differing(at_end, run({})), 0);

  const std::vector<double> total = run_sweep(tiny_.ctx, tiny_.model, prompts,
                                              {.direction = Direction::kNoise,
                                               .variants = heads(),
                                               .metric = metrics::find("logit_diff")})
                                        .values;
  const auto n_heads = static_cast<std::size_t>(cfg().n_heads);
  for (std::size_t i = 0; i < total.size(); ++i) {
    const bool last = i / (5 * n_heads) == 2;
    if (last) {
      EXPECT_EQ(at_end[i], total[i]) << i;
    } else {
      EXPECT_NE(at_end[i], total[i]) << i;
    }
  }
}

TEST_P(PathPatching, RefusesWhatIsNoPath) {
  const PromptSet prompts = reference_pairs(tiny_);
  const auto refuse = [&](const std::vector<Path>& bad, const char* part) {
    const PathSweep sweep{.paths = bad, .metric = metrics::find("logit_diff")};
    try {
      (void)run_path_sweep(tiny_.ctx, tiny_.model, prompts, sweep);
      ADD_FAILURE() << part;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  refuse({{{head(0, 0)}, {{head(1, 0)}}, true}}, "reads nothing of the residual stream");
  refuse({{{head(0, 0)}, {{receiver(kQ, 9, 0)}}, true}}, "9");
  refuse({{{head(0, 0)}, {{}}, true}}, "names no place");
  refuse({{{head(0, 0)}, {}, true}, {{head(0, 0)}, {}, false}}, "the same end");
}

// Edges, and paths with other switches: replays where they can, plain passes else.

TEST_P(PathPatching, EdgesEqualTheirPlainRuns) {
  std::vector<Intervention> senders = heads(Positions::named(kEnd));
  for (const Intervention& sender : heads()) senders.push_back(sender);
  for (const Intervention& sender : mlps()) senders.push_back(sender);
  for (int layer = 0; layer < cfg().n_layers; ++layer) {
    for (const HookPoint site : {kAttnOut, kResult, kMlpPost, kResidPre}) {
      senders.push_back({{.site = site, .layer = layer}});
    }
    senders.push_back({{.site = kMlpPost, .layer = layer, .neuron = 3}});
    senders.push_back({{.site = kResult, .layer = layer, .head = 1}});
  }
  senders.push_back({head(0, 1), head(1, 2), {.site = kMlpOut, .layer = 0}});
  const std::vector<Intervention> groups = {
      {receiver(kQ, 2, 1, Positions::named(kEnd))},
      {receiver(kQ, 2, 3), receiver(kK, 2, 0, Positions::named(1)), receiver(kV, 2, Place::kAll)},
      {{.site = kMlpIn, .layer = 1}},
      {{.site = kResidMid, .layer = 2, .positions = Positions::named(kEnd)}},
      {{.site = kResidPost, .layer = 1}},
      {receiver(kQ, 1, 0), receiver(kV, 2, 1)}};  // one may feed the other
  for (const PathMeaning meaning : {PathMeaning::kSkipEdge, PathMeaning::kEdge}) {
    for (const PromptSet& prompts : {reference_pairs(tiny_), ragged_pairs(tiny_)}) {
      for (const Intervention& group : groups) {
        expect_same(prompts,
                    {.paths = paths(senders, {group}, false),
                     .metric = metrics::find("logit_diff"),
                     .meaning = meaning},
                    "edges");
      }
      expect_same(prompts,
                  {.direction = Direction::kDenoise,
                   .paths = paths(senders, {}, true),
                   .metric = metrics::find("logit_diff"),
                   .meaning = meaning},
                  "edges to the logits");
    }
  }
  for (const Intervention& group : {groups[0], groups[1]}) {
    expect_same(ragged_pairs(tiny_),
                {.paths = paths(senders, {group}, false),
                 .metric = metrics::find("logit_diff"),
                 .meaning = PathMeaning::kLinear},
                "linear");
  }
}

TEST_P(PathPatching, ASkipEdgeIsAPathThroughFrozenMlps) {
  const PromptSet prompts = reference_pairs(tiny_);
  const Intervention query = {receiver(kQ, 2, 1, Positions::named(kEnd))};
  for (const bool to_logits : {false, true}) {
    const auto run = [&](PathMeaning meaning, bool freeze_mlps) {
      std::vector<Intervention> receivers;
      if (!to_logits) receivers.push_back(query);
      return run_path_sweep(
          tiny_.ctx, tiny_.model, prompts,
          {.paths = to_logits ? paths(heads(), {}, true) : paths(heads(), {query}, false),
           .metric = metrics::find("logit_diff"),
           .meaning = meaning,
           .freeze_mlps = freeze_mlps});
    };
    const SweepResult frozen = run(PathMeaning::kHeadsFrozen, true);
    const SweepResult skip = run(PathMeaning::kSkipEdge, false);
    const SweepResult live = run(PathMeaning::kHeadsFrozen, false);
    double through_mlps = 0.0;
    for (std::size_t i = 0; i < skip.values.size(); ++i) {
      EXPECT_NEAR(skip.values[i], frozen.values[i], 1e-5) << i;
      through_mlps = std::max(through_mlps, std::abs(live.values[i] - skip.values[i]));
    }
    EXPECT_GT(through_mlps, 1e-3);
    EXPECT_EQ(differing(skip.values, run(PathMeaning::kEdge, false).values), 0);  // one edge each
  }
}

// ACDC replaces what a sender writes now, the other adds to it: they part where the sender itself
// hears from an earlier receiver.
TEST_P(PathPatching, EdgeAndSkipEdgePartWhereAReceiverFeedsASender) {
  const std::vector<Path> both = {
      {{head(0, 0), head(1, 1)}, {{receiver(kV, 1, 0), receiver(kQ, 2, 1)}}, false}};
  const std::vector<Path> same_layer = {
      {{head(0, 0), head(1, 1)}, {{receiver(kV, 2, 0), receiver(kQ, 2, 1)}}, false}};
  const auto run = [&](const std::vector<Path>& of, PathMeaning meaning) {
    return run_path_sweep(tiny_.ctx, tiny_.model, reference_pairs(tiny_),
                          {.paths = of, .metric = metrics::find("logit_diff"), .meaning = meaning})
        .values;
  };
  EXPECT_EQ(differing(run(same_layer, PathMeaning::kEdge), run(same_layer, PathMeaning::kSkipEdge)),
            0);
  if (cfg().key_value_heads() == cfg().n_heads) {  // 1.1 does not share the values of 1.0
    EXPECT_EQ(differing(run(both, PathMeaning::kEdge), run(both, PathMeaning::kSkipEdge)), 0);
  }
  const std::vector<Path> fed = {
      {{head(0, 0), head(1, 0)}, {{receiver(kV, 1, 0), receiver(kQ, 2, 1)}}, false}};
  EXPECT_GT(differing(run(fed, PathMeaning::kEdge), run(fed, PathMeaning::kSkipEdge)), 0);
}

// With everything frozen but what is added, a norm's scale too, effects add up.
TEST_P(PathPatching, WithFrozenMlpsAndNormsEffectsOnTheLogitsAddUp) {
  const PromptSet prompts = reference_pairs(tiny_);
  for (const NormScale norms : {NormScale::kClean, NormScale::kCorrupted}) {
    const SweepResult result =
        run_path_sweep(tiny_.ctx, tiny_.model, prompts,
                       {.paths = {{{head(0, 1)}, {}, true},
                                  {{head(2, 2)}, {}, true},
                                  {{head(0, 1), head(2, 2)}, {}, true},
                                  {{head(0, 1, Positions::at(0))}, {}, true}},
                        .metric = metrics::find("logit_diff"),
                        .freeze_mlps = true,
                        .norms = norms});
    for (std::size_t i = 0; i < 5; ++i) {
      // A head at position 0 says nothing at END: the run with nothing but frozen scales.
      const double base = result.values[15 + i];
      EXPECT_NEAR(result.values[10 + i] - base,
                  (result.values[i] - base) + (result.values[5 + i] - base), 2e-5);
      if (norms == NormScale::kClean) {
        EXPECT_NEAR(base, result.baselines.clean[i], 1e-5);
      } else {
        EXPECT_GT(std::abs(base - result.baselines.clean[i]), 1e-4);
      }
    }
  }
}

// A norm is linear once its scale is frozen; where it centres, linear paths leave that out, which
// makes no difference when what is written is centred already.
TEST_P(PathPatching, ALinearPathIsAFrozenOneWithoutCentring) {
  Weights weights = tiny_.model.weights();
  if (!cfg().is_rms()) center_writing_weights(weights);
  const HookedTransformer model(tiny_.ctx, cfg(), std::move(weights));
  const PromptSet prompts = reference_pairs(tiny_);
  const Intervention receivers = {receiver(kQ, 2, 1), receiver(kV, 2, 0)};
  const auto run = [&](PathMeaning meaning, bool freeze_mlps, NormScale norms) {
    return run_path_sweep(tiny_.ctx, model, prompts,
                          {.direction = Direction::kDenoise,
                           .paths = paths(heads(), {receivers}, false),
                           .metric = metrics::find("logit_diff"),
                           .meaning = meaning,
                           .freeze_mlps = freeze_mlps,
                           .norms = norms})
        .values;
  };
  const auto linear = run(PathMeaning::kLinear, false, NormScale::kLive);
  const auto frozen = run(PathMeaning::kHeadsFrozen, true, NormScale::kCorrupted);
  const auto live = run(PathMeaning::kHeadsFrozen, true, NormScale::kLive);
  double of_scale = 0.0;
  for (std::size_t i = 0; i < linear.size(); ++i) {
    EXPECT_NEAR(linear[i], frozen[i], 2e-5) << i;
    of_scale = std::max(of_scale, std::abs(linear[i] - live[i]));
  }
  EXPECT_GT(of_scale, 1e-3);
}

TEST_P(PathPatching, LiveHeadsToTheLogitsAreActivationPatching) {
  const PromptSet prompts = ragged_pairs(tiny_);
  const PathSweep sweep{
      .paths = paths(heads(), {}, true), .metric = metrics::find("logit_diff"), .live_heads = true};
  const SweepResult total = run_sweep(
      tiny_.ctx, tiny_.model, prompts,
      {.direction = Direction::kNoise, .variants = heads(), .metric = metrics::find("logit_diff")});
  EXPECT_EQ(differing(run_path_sweep(tiny_.ctx, tiny_.model, prompts, sweep).values, total.values),
            0);
  for (const bool freeze_mlps : {false, true}) {
    expect_same(prompts,
                {.paths = paths(heads(), {{receiver(kQ, 2, 1), receiver(kK, 1, 0)}}, false),
                 .metric = metrics::find("logit_diff"),
                 .freeze_mlps = freeze_mlps,
                 .live_heads = true},
                "live heads");
  }
}

TEST_P(PathPatching, AllNeuronsOfAnMlpAreItsInput) {
  const PromptSet prompts = reference_pairs(tiny_);
  Intervention neurons = {{.site = kMlpPre, .layer = 1}};
  if (cfg().gated_mlp) neurons.push_back({.site = kMlpPreLinear, .layer = 1});
  const auto run = [&](const Intervention& group) {
    return run_path_sweep(
        tiny_.ctx, tiny_.model, prompts,
        {.paths = paths(heads(), {group}, false), .metric = metrics::find("logit_diff")});
  };
  const SweepResult all = run(neurons);
  const SweepResult input = run({{.site = kMlpIn, .layer = 1}});
  EXPECT_EQ(differing(all.values, input.values), 0);
  const SweepResult one = run({{.site = kMlpPre, .layer = 1, .neuron = 5}});
  EXPECT_GT(differing(one.values, input.values), 0);
  EXPECT_GT(one.unchanged, 0);  // from heads of later layers
  EXPECT_LT(one.unchanged, std::ssize(heads()));
}

TEST_P(PathPatching, RefusesWhatAMeaningDoesNotHave) {
  const PromptSet prompts = reference_pairs(tiny_);
  const auto says = [&](const PathSweep& sweep) -> std::string {
    try {
      (void)run_path_sweep(tiny_.ctx, tiny_.model, prompts, sweep);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      return error.what();
    }
    return "no error";
  };
  const metrics::Metric& metric = metrics::find("logit_diff");
  const Intervention query = {receiver(kQ, 2, 1)};
  const auto expect = [](const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  expect(says({.paths = {{{head(0, 0)}, {query}, true}},
               .metric = metric,
               .meaning = PathMeaning::kEdge}),
         "an edge is one step");
  expect(says({.paths = {{{receiver(kQ, 0, 0)}, {query}, false}},
               .metric = metric,
               .meaning = PathMeaning::kSkipEdge}),
         "does not write to the residual stream");
  expect(
      says(
          {.paths = {{{head(0, 0)}, {}, true}}, .metric = metric, .meaning = PathMeaning::kLinear}),
      "are q, k and v");
  expect(says({.paths = {{{head(0, 0)}, {{{.site = kMlpPre, .layer = 1}}}, false}},
               .metric = metric,
               .meaning = PathMeaning::kEdge}),
         "single neurons");
  expect(says({.paths = {{{head(0, 0)}, {query}, false}},
               .metric = metric,
               .meaning = PathMeaning::kEdge,
               .freeze_mlps = true}),
         "of heads_frozen paths alone");
  PathSweep input = {.paths = {{{receiver(kQInput, 0, 0)}, {query}, false}}, .metric = metric};
  expect(says(input), "q_input is no sender where heads are frozen");
  input.live_heads = true;
  expect(says(input), "no error");
  for (const HookPoint part : {kLn1Scale, kQ, kK, kPattern}) {
    expect(says({.paths = {{{{.site = part, .layer = 2}}, {query}, true}}, .metric = metric}),
           "of layer 2 lies inside of what its receiver q computes");
    expect(says({.paths = {{{{.site = part, .layer = 1}}, {query}, true}}, .metric = metric}),
           "no error");
  }
  expect(
      says({.paths = {{{{.site = kMlpPost, .layer = 1}}, {{{.site = kMlpPre, .layer = 1}}}, true}},
            .metric = metric}),
      "no error");
}

INSTANTIATE_TEST_SUITE_P(Each, PathPatching, ::testing::ValuesIn(kTinyModels), model_test_name);

}  // namespace
}  // namespace patchbay
