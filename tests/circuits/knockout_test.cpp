// Knockouts against hooks that a test writes itself, and the experiments on circuits.
#include "patchbay/circuits/knockout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "tests/support/experiment_runs.h"
#include "tests/support/plain_runs.h"
#include "tests/support/prompt_pairs.h"

namespace patchbay {
namespace {

using enum HookPoint;

class OfCircuits : public ::testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] const HookedTransformerConfig& cfg() const { return tiny_.model.cfg(); }

  // The mean of z over the corrupted prompts of one group, [layer][pos · n_heads · d_head].
  std::vector<std::vector<double>> means_of(const PromptSet& prompts, const std::string& group) {
    std::vector<std::vector<double>> means(static_cast<std::size_t>(cfg().n_layers));
    double n = 0;
    for (const PromptPair& pair : prompts.pairs) {
      if (pair.group != group) continue;
      n += 1;
      const auto cache = tiny_.model.run_with_cache(tiny_.ctx, {pair.corrupted}).second;
      for (int layer = 0; layer < cfg().n_layers; ++layer) {
        auto& mean = means[static_cast<std::size_t>(layer)];
        const auto z = cache("z", layer).flat();
        mean.resize(z.size());
        for (std::size_t i = 0; i < z.size(); ++i) mean[i] += static_cast<double>(z[i]);
      }
    }
    for (auto& mean : means) {
      for (double& x : mean) x /= n;
    }
    return means;
  }

  // The logit difference of one clean prompt when `is_out` heads at positions put out their mean.
  template <class Predicate>
  double difference(const PromptSet& prompts, std::size_t i, const Predicate& is_out) {
    const PromptPair& pair = prompts.pairs[i];
    const auto means = means_of(prompts, pair.group);
    Hooks hooks;
    for (int layer = 0; layer < cfg().n_layers; ++layer) {
      hooks.add(HookName{kZ, layer}, [&, layer](TensorView z, const HookName&) {
        for (std::int64_t pos = 0; pos < z.shape()[1]; ++pos) {
          for (std::int64_t head = 0; head < cfg().n_heads; ++head) {
            if (!is_out(Head{layer, head}, pos)) continue;
            for (std::int64_t d = 0; d < cfg().d_head; ++d) {
              const auto at =
                  static_cast<std::size_t>((pos * cfg().n_heads + head) * cfg().d_head + d);
              z(0, pos, head, d) = static_cast<float>(means[static_cast<std::size_t>(layer)][at]);
            }
          }
        }
      });
    }
    const Logits logits = tiny_.model.run_with_hooks(tiny_.ctx, {pair.clean}, hooks,
                                                     {.logits = Demand::At::kLastPosition});
    return static_cast<double>(logits.values(0, pair.answers[0])) -
           static_cast<double>(logits.values(0, pair.wrongs[0]));
  }

  TinyModel tiny_{GetParam()};
};

// 1.1 at END, 2.2 at FIRST and MIDDLE (which the second pair lacks), 0.3 everywhere.
constexpr const char* kCircuit = "mover: 1.1 @ END; other: 2.2 @ FIRST MIDDLE; all: 0.3";

bool is_kept(const PromptPair& pair, const Head& head, std::int64_t pos) {
  if (head == Head{1, 1}) return pos == pair.positions[2].last;
  if (head == Head{2, 2}) return pos == pair.positions[0].last || pos == pair.positions[1].last;
  return head == Head{0, 3};
}

TEST_P(OfCircuits, FaithfulnessIsWhatHooksSay) {
  const PromptSet prompts = reference_pairs(tiny_);
  const EffectTable table = run_experiment("faithfulness", tiny_, prompts, {{"circuit", kCircuit}});
  EXPECT_EQ(table.axes[0].labels,
            (std::vector<std::string>{"circuit", "circuit without mover", "circuit without other",
                                      "circuit without all", "no head"}));
  for (std::size_t i = 0; i < 5; ++i) {
    const PromptPair& pair = prompts.pairs[i];
    const auto n = static_cast<std::int64_t>(i);
    EXPECT_NEAR(
        value_at(table, {"circuit"}, n),
        difference(prompts, i,
                   [&](const Head& head, std::int64_t pos) { return !is_kept(pair, head, pos); }),
        2e-5);
    EXPECT_NEAR(value_at(table, {"circuit without mover"}, n),
                difference(prompts, i,
                           [&](const Head& head, std::int64_t pos) {
                             return head == Head{1, 1} || !is_kept(pair, head, pos);
                           }),
                2e-5);
    EXPECT_NEAR(value_at(table, {"no head"}, n),
                difference(prompts, i, [](const Head&, std::int64_t) { return true; }), 2e-5);
    EXPECT_EQ(table.baselines.clean[i],
              difference(prompts, i, [](const Head&, std::int64_t) { return false; }));
  }
}

TEST_P(OfCircuits, ElsewhereAreThePositionsWithoutAName) {
  const PromptSet prompts = reference_pairs(tiny_);
  const EffectTable table =
      run_experiment("faithfulness", tiny_, prompts, {{"circuit", "1.1 @ elsewhere MIDDLE"}});
  for (std::size_t i = 0; i < 5; ++i) {
    const auto& positions = prompts.pairs[i].positions;
    EXPECT_NEAR(
        value_at(table, {"circuit"}, static_cast<std::int64_t>(i)),
        difference(
            prompts, i,
            [&](const Head& head, std::int64_t pos) {
              return head != Head{1, 1} || pos == positions[0].last || pos == positions[2].last;
            }),
        2e-5);
  }
}

// Nothing knocked out is the model, bit for bit.
TEST_P(OfCircuits, AllHeadsEverywhereAreTheModel) {
  std::string all = "all:";
  for (int layer = 0; layer < cfg().n_layers; ++layer) {
    for (std::int64_t head = 0; head < cfg().n_heads; ++head) all += " " + text_of({layer, head});
  }
  for (const std::string& circuit : {all, all + " @ FIRST MIDDLE END elsewhere"}) {
    const EffectTable table =
        run_experiment("faithfulness", tiny_, reference_pairs(tiny_), {{"circuit", circuit}});
    for (std::size_t i = 0; i < 5; ++i) {
      EXPECT_EQ(value_at(table, {"circuit"}, static_cast<std::int64_t>(i)),
                table.baselines.clean[i]);
    }
  }
}

TEST_P(OfCircuits, KnockoutsAreTheSameBitsAsWholePasses) {
  for (const PromptSet& prompts : {reference_pairs(tiny_), ragged_pairs(tiny_)}) {
    const CircuitNodes nodes = nodes_of(parse_circuit(kCircuit), cfg(), prompts);
    CircuitNodes more = nodes;
    more.insert({{1, 2}, CircuitNode::kElsewhere});
    const Sweep sweep{.direction = Direction::kNoise,
                      .variants = {all_but(cfg(), nodes), all_but(cfg(), more),
                                   only(nodes, prompts), only(more, prompts)},
                      .source = {.kind = SourceKind::kMeanByPosition},
                      .metric = metrics::find("logit_diff")};
    const auto fast = run_sweep(tiny_.ctx, tiny_.model, prompts, sweep).values;
    const auto plain = run_sweep_plainly(tiny_.ctx, tiny_.model, prompts, sweep).values;
    ASSERT_EQ(fast.size(), plain.size());
    for (std::size_t i = 0; i < fast.size(); ++i) {
      EXPECT_TRUE(fast[i] == plain[i] || (std::isnan(fast[i]) && std::isnan(plain[i]))) << i;
    }
  }
}

TEST_P(OfCircuits, CompletenessTakesTheSameFromModelAndCircuit) {
  const PromptSet prompts = reference_pairs(tiny_);
  const EffectTable table =
      run_experiment("completeness", tiny_, prompts,
                     {{"circuit", kCircuit}, {"random", "2"}, {"samples", "2"}, {"rounds", "2"}});
  const auto& removed = table.axes[0].labels;
  ASSERT_EQ(removed.size(), 1U + 3U + 2U + 2U);
  for (std::int64_t i = 0; i < 5; ++i) {
    const PromptPair& pair = prompts.pairs[static_cast<std::size_t>(i)];
    EXPECT_EQ(value_at(table, {"nothing", "model"}, i),
              table.baselines.clean[static_cast<std::size_t>(i)]);
    const double model = value_at(table, {"mover", "model"}, i);
    EXPECT_NEAR(model,
                difference(prompts, static_cast<std::size_t>(i),
                           [&](const Head& head, std::int64_t pos) {
                             return head == Head{1, 1} && pos == pair.positions[2].last;
                           }),
                2e-5);
    const double circuit = value_at(table, {"mover", "circuit"}, i);
    EXPECT_NEAR(circuit,
                difference(prompts, static_cast<std::size_t>(i),
                           [&](const Head& head, std::int64_t pos) {
                             return head == Head{1, 1} || !is_kept(pair, head, pos);
                           }),
                2e-5);
    EXPECT_EQ(value_at(table, {"mover", "circuit - model"}, i), circuit - model);
  }
  // With five candidates of four nodes every node is tried, so that both searches end alike: with
  // the node that tells most, and the one that tells most together with it.
  const CircuitNodes all = nodes_of(parse_circuit(kCircuit), cfg(), prompts);
  const Session session(tiny_.ctx, tiny_.model, prompts);
  Knockouts knockouts(session, {.metric = metrics::find("logit_diff")});
  CircuitNodes best;
  for (int round = 0; round < 2; ++round) {
    double largest = -1.0;
    CircuitNodes next;
    for (const CircuitNode& node : all) {
      if (best.contains(node)) continue;
      CircuitNodes away = best;
      away.insert(node);
      CircuitNodes rest;
      std::ranges::set_difference(all, away, std::inserter(rest, rest.end()));
      const std::size_t model = knockouts.add_model_without(away);
      const std::size_t circuit = knockouts.add_circuit(rest);
      knockouts.run();
      double sum = 0.0;
      for (std::size_t i = 0; i < 5; ++i) {
        const double gap = knockouts.values(circuit)[i] - knockouts.values(model)[i];
        if (std::isfinite(gap)) sum += gap;
      }
      if (std::abs(sum) <= largest) continue;
      largest = std::abs(sum);
      next = away;
    }
    best = next;
  }
  std::string expected;
  for (const CircuitNode& node : best) expected += " " + text_of(node, prompts);
  EXPECT_EQ(removed[6], "greedy 1:" + expected);
  EXPECT_EQ(removed[7], "greedy 2:" + expected);
}

TEST_P(OfCircuits, MinimalityRemovesANodeFromWhatKLeft) {
  const PromptSet prompts = reference_pairs(tiny_);
  const EffectTable rest =
      run_experiment("minimality", tiny_, prompts,
                     {{"circuit", "pair: 1.1 1.2 @ END; one: 2.2 @ FIRST"}, {"k", "rest"}});
  for (std::int64_t i = 0; i < 5; ++i) {
    const PromptPair& pair = prompts.pairs[static_cast<std::size_t>(i)];
    const auto only_at = [&](const Head& kept, std::size_t position) {
      return difference(prompts, static_cast<std::size_t>(i),
                        [&, kept, position](const Head& head, std::int64_t pos) {
                          const bool one = head == Head{2, 2} && pos == pair.positions[0].last;
                          return !(one || (head == kept && pos == pair.positions[position].last));
                        });
    };
    const double with = value_at(rest, {"1.1@END (pair)", "without K"}, i);
    const double without = value_at(rest, {"1.1@END (pair)", "without K and the node"}, i);
    EXPECT_NEAR(with, only_at({1, 1}, 2), 2e-5);
    EXPECT_NEAR(without, only_at({2, 2}, 0), 2e-5);
    EXPECT_EQ(value_at(rest, {"1.1@END (pair)", "change"}, i), without - with);
  }
  EXPECT_EQ(rest.notes[0], "1.1@END (pair): K = 1.2@END");
  EXPECT_EQ(rest.notes[2], "2.2@FIRST (one): K = nothing");
  EXPECT_NE(usage_error("minimality", tiny_, prompts, {{"circuit", "1.1"}, {"k", "published"}})
                .find("is of GPT-2 small"),
            std::string::npos);
}

TEST_P(OfCircuits, AblatedMlpsAreOutOfActionToo) {
  const PromptSet prompts = reference_pairs(tiny_);
  const auto run = [&](const char* mlps) {
    return run_experiment("faithfulness", tiny_, prompts,
                          {{"circuit", kCircuit}, {"mlps", mlps}, {"source", "zero"}});
  };
  const EffectTable ablated = run("ablated");
  EXPECT_NE(ablated.values, run("kept").values);
  // Without heads and MLPs the logits are those of the embeddings and output biases alone.
  for (std::size_t i = 0; i < 5; ++i) {
    const PromptPair& pair = prompts.pairs[i];
    Hooks hooks;
    for (int layer = 0; layer < cfg().n_layers; ++layer) {
      for (const HookPoint point : {kZ, kMlpOut}) {
        hooks.add(HookName{point, layer},
                  [](TensorView x, const HookName&) { std::ranges::fill(x.flat(), 0.0F); });
      }
    }
    const Logits logits = tiny_.model.run_with_hooks(tiny_.ctx, {pair.clean}, hooks,
                                                     {.logits = Demand::At::kLastPosition});
    EXPECT_NEAR(value_at(ablated, {"no head"}, static_cast<std::int64_t>(i)),
                static_cast<double>(logits.values(0, pair.answers[0])) -
                    static_cast<double>(logits.values(0, pair.wrongs[0])),
                2e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Knockouts, OfCircuits, ::testing::ValuesIn(kTinyModels), model_test_name);

TEST(CircuitSettings, RefuseWhatIsNoCircuitOfTheModel) {
  const TinyGpt2 tiny;
  const PromptSet prompts = reference_pairs(tiny);
  const auto says = [&](const GivenSettings& given) {
    return usage_error("faithfulness", tiny, prompts, given);
  };
  EXPECT_NE(says({}).find("say which circuit"), std::string::npos);
  EXPECT_NE(says({{"circuit", "papre"}}).find("did you mean \"paper\"?"), std::string::npos);
  EXPECT_NE(says({{"circuit", "9.9"}}).find("9"), std::string::npos);
  EXPECT_NE(says({{"circuit", "1.1 @ MIDLE"}}).find("did you mean \"MIDDLE\"?"), std::string::npos);
  EXPECT_NE(says({{"circuit", "1.1"}, {"source", "gaussian"}}).find("takes nothing away"),
            std::string::npos);
  EXPECT_NE(says({{"circuit", "1.1"}, {"mlps", "gone"}}).find("kept, ablated"), std::string::npos);
}

}  // namespace
}  // namespace patchbay
