// Scores of heads against computations in double precision that the tests write themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "patchbay/base/split_mix.h"
#include "patchbay/results/correlation.h"
#include "tests/support/experiment_runs.h"
#include "tests/support/prompt_pairs.h"

namespace patchbay {
namespace {

using enum HookPoint;
using Numbers = std::vector<double>;

// Pairs with the names that the paper's scores are about; the second pair has no S1.
PromptSet pairs_with_names(const TinyModel& tiny) {
  PromptSet set = reference_pairs(tiny);
  set.position_names = {"IO", "S1", "S2", "END"};
  for (std::size_t i = 0; i < set.pairs.size(); ++i) {
    set.pairs[i].positions = {2, i == 1 ? -1 : 5, 8, 11};
    set.pairs[i].corrupted_positions = set.pairs[i].positions;
  }
  return set;
}

class Scores : public ::testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] const HookedTransformerConfig& cfg() const { return tiny_.model.cfg(); }

  // A norm without its weight and bias.
  Numbers normalized(const Numbers& x) const {
    const auto n = static_cast<double>(x.size());
    const double mean = cfg().is_rms() ? 0.0 : std::accumulate(x.begin(), x.end(), 0.0) / n;
    double squares = 0.0;
    for (const double value : x) squares += (value - mean) * (value - mean);
    const double scale = std::sqrt(squares / n + static_cast<double>(cfg().eps));
    Numbers out;
    for (const double value : x) out.push_back((value - mean) / scale);
    return out;
  }
  Numbers normed(const Numbers& x, const Norm& ln) const {
    Numbers out = normalized(x);
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] *= static_cast<double>(ln.w.flat()[i]);
      if (!ln.b.empty()) out[i] += static_cast<double>(ln.b.flat()[i]);
    }
    return out;
  }

  // Among how many tokens with a larger logit, the final norm and the unembedding applied.
  std::int64_t above(const Numbers& stream, TokenId token) const {
    const Weights& weights = tiny_.model.weights();
    const Numbers x = normed(stream, weights.ln_final);
    Numbers logits;
    for (std::int64_t t = 0; t < cfg().d_vocab; ++t) {
      double sum = static_cast<double>(weights.b_U.flat()[static_cast<std::size_t>(t)]);
      for (std::size_t i = 0; i < x.size(); ++i) {
        sum += x[i] * static_cast<double>(weights.W_U(static_cast<std::int64_t>(i), t));
      }
      logits.push_back(sum);
    }
    return std::ranges::count_if(
        logits, [&](double logit) { return logit > logits[static_cast<std::size_t>(token)]; });
  }

  // Against a cache of each sequence.
  void expect_head_scores(bool with_bos) {
    if (with_bos && !cfg().bos_token_id) GTEST_SKIP() << "a model without BOS";
    PromptSet prompts = reference_pairs(tiny_);
    prompts.prepend_bos = with_bos;
    const std::int64_t begin = with_bos ? 1 : 0;
    const EffectTable table = run_experiment(
        "head_scores", tiny_, prompts, {{"sequences", "2"}, {"length", "5"}, {"token-seed", "7"}});
    EXPECT_EQ(table.n_prompts(), 2);
    SplitMix64 random(7);
    for (std::int64_t sequence = 0; sequence < 2; ++sequence) {
      std::vector<TokenId> vocabulary;  // the tiny models have no tokenizer but for special ids
      for (TokenId id = 0; id < cfg().d_vocab; ++id) {
        if (id != cfg().bos_token_id && id != cfg().eos_token_id) vocabulary.push_back(id);
      }
      Prompt tokens;
      for (int i = 0; i < 5; ++i) tokens.push_back(vocabulary[random.below(vocabulary.size())]);
      tokens.insert(tokens.end(), tokens.begin(), tokens.begin() + 5);
      if (with_bos) tokens.insert(tokens.begin(), *cfg().bos_token_id);
      const auto cache = tiny_.model.run_with_cache(tiny_.ctx, {tokens}).second;
      for (int layer = 0; layer < cfg().n_layers; ++layer) {
        for (std::int64_t head = 0; head < cfg().n_heads; ++head) {
          const auto mean = [&](std::int64_t back, std::int64_t first) {
            double sum = 0.0;
            for (std::int64_t query = first; query < 10; ++query) {
              sum += static_cast<double>(
                  cache("pattern", layer)(0, head, begin + query, begin + query - back));
            }
            return sum / static_cast<double>(10 - first);
          };
          const std::string at[] = {std::to_string(layer), std::to_string(head)};
          const auto score = [&](const char* name) {
            return value_at(table, {name, at[0], at[1]}, sequence);
          };
          EXPECT_NEAR(score("previous token"), mean(1, 1), 1e-9);
          EXPECT_NEAR(score("duplicate token"), mean(5, 5), 1e-9);
          EXPECT_NEAR(score("induction"), mean(4, 5), 1e-9);
        }
      }
    }
  }

  // x W_V W_O of one head, with b_V or without.
  Numbers moved(const Numbers& x, int layer, std::int64_t head, bool bias) const {
    const AttentionWeights& attn =
        tiny_.model.weights().blocks[static_cast<std::size_t>(layer)].attn;
    const std::int64_t shared = cfg().key_value_head_of(head);
    Numbers out(x.size());
    for (std::int64_t d = 0; d < cfg().d_head; ++d) {
      double v = bias ? static_cast<double>(attn.b_V(shared, d)) : 0.0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        v += x[i] * static_cast<double>(attn.W_V(shared, static_cast<std::int64_t>(i), d));
      }
      for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] += v * static_cast<double>(attn.W_O(head, d, static_cast<std::int64_t>(i)));
      }
    }
    return out;
  }

  static Numbers negated(Numbers x) {
    for (double& value : x) value = -value;
    return x;
  }
  static Numbers numbers(std::span<const float> x) { return {x.begin(), x.end()}; }

  TinyModel tiny_{GetParam()};
};

TEST_P(Scores, CopyScoresAreWhatTheCircuitOfAHeadSays) {
  const PromptSet prompts = pairs_with_names(tiny_);
  constexpr std::int64_t kTop = 40;  // of the tiny vocabulary, so that some copy and some do not
  std::int64_t copying = 0;
  for (const std::string definition : {"paper", "arena"}) {
    const EffectTable table = run_experiment("copy_scores", tiny_, prompts,
                                             {{"definition", definition}, {"top-tokens", "40"}});
    for (std::size_t i = 0; i < prompts.pairs.size(); ++i) {
      const PromptPair& pair = prompts.pairs[i];
      const auto cache = tiny_.model.run_with_cache(tiny_.ctx, {pair.clean}).second;
      for (int layer = 1; layer < cfg().n_layers; ++layer) {
        const BlockWeights& block = tiny_.model.weights().blocks[static_cast<std::size_t>(layer)];
        for (std::int64_t head = 0; head < cfg().n_heads; ++head) {
          double said = 0;
          double opposite = 0;
          double n = 0;
          for (std::size_t name = 0; name < 3; ++name) {
            const std::int32_t at = pair.positions[name].last;
            if (at < 0) continue;
            n += 1;
            const TokenId token = pair.clean[static_cast<std::size_t>(at)];
            Numbers written;
            if (definition == "paper") {
              written = moved(normed(numbers(cache("resid_post", 0)[0][at].flat()), block.ln1),
                              layer, head, true);
            } else {
              Numbers stream;  // the embedding and MLP 0's answer, by hooks
              Hooks hooks;
              hooks.add(HookName{kResidMid, 0}, [&](TensorView x, const HookName&) {
                std::ranges::copy(tiny_.model.weights().W_E[token].flat(), x[0][0].data());
              });
              hooks.add(HookName{kResidPost, 0},
                        [&](TensorView x, const HookName&) { stream = numbers(x[0][0].flat()); });
              (void)tiny_.model.run_with_hooks(tiny_.ctx, {pair.clean}, hooks);
              written = moved(stream, layer, head, false);
            }
            said += above(written, token) < kTop ? 1 : 0;
            opposite += above(negated(written), token) < kTop ? 1 : 0;
          }
          const std::string labels[] = {std::to_string(layer), std::to_string(head)};
          const auto number = static_cast<std::int64_t>(i);
          EXPECT_EQ(value_at(table, {"copies", labels[0], labels[1]}, number), said / n);
          EXPECT_EQ(value_at(table, {"suppresses", labels[0], labels[1]}, number), opposite / n);
          copying += static_cast<std::int64_t>(said);
        }
      }
    }
  }
  EXPECT_GT(copying, 10);
}

TEST_P(Scores, AttentionAndProjectionAreOfTheHeadsOwnOutput) {
  const PromptSet prompts = pairs_with_names(tiny_);
  const Weights& weights = tiny_.model.weights();
  for (const std::string subject : {"sum", "first"}) {
    const EffectTable table =
        run_experiment("attention_projection", tiny_, prompts, {{"subject", subject}});
    for (std::size_t i = 0; i < prompts.pairs.size(); ++i) {
      const PromptPair& pair = prompts.pairs[i];
      const auto number = static_cast<std::int64_t>(i);
      const auto cache = tiny_.model
                             .run_with_cache(tiny_.ctx, {pair.clean},
                                             std::vector<std::string>{"blocks.*.attn.hook_result",
                                                                      "blocks.*.attn.hook_pattern"})
                             .second;
      for (int layer = 0; layer < cfg().n_layers; ++layer) {
        for (std::int64_t head = 0; head < cfg().n_heads; ++head) {
          const std::string at[] = {std::to_string(layer), std::to_string(head)};
          const auto looks = [&](std::size_t name) {
            return static_cast<double>(
                cache("pattern", layer)(0, head, 11, pair.positions[name].last));
          };
          const auto writes = [&](std::size_t name) {
            const TokenId token = pair.clean[static_cast<std::size_t>(pair.positions[name].last)];
            Numbers direction;
            for (std::int64_t d = 0; d < cfg().d_model; ++d) {
              direction.push_back(
                  static_cast<double>(weights.W_U(d, token)) *
                  static_cast<double>(weights.ln_final.w.flat()[static_cast<std::size_t>(d)]));
            }
            const double mean = cfg().is_rms()
                                    ? 0.0
                                    : std::accumulate(direction.begin(), direction.end(), 0.0) /
                                          static_cast<double>(cfg().d_model);
            double sum = 0.0;
            for (std::int64_t d = 0; d < cfg().d_model; ++d) {
              sum += static_cast<double>(cache("result", layer)(0, 11, head, d)) *
                     (direction[static_cast<std::size_t>(d)] - mean);
            }
            return sum;
          };
          EXPECT_NEAR(value_at(table, {"attention", "IO", at[0], at[1]}, number), looks(0), 1e-6);
          EXPECT_NEAR(value_at(table, {"projection", "IO", at[0], at[1]}, number), writes(0), 1e-4);
          const double to_s = value_at(table, {"attention", "S", at[0], at[1]}, number);
          const double on_s = value_at(table, {"projection", "S", at[0], at[1]}, number);
          if (i == 1) {  // without S1
            EXPECT_TRUE(std::isnan(to_s) && std::isnan(on_s));
            continue;
          }
          EXPECT_NEAR(to_s, subject == "sum" ? looks(1) + looks(2) : looks(1), 1e-6);
          EXPECT_NEAR(on_s, writes(2), 1e-4);
        }
      }
    }
  }
}

TEST_P(Scores, HeadScoresAreMeansOfDiagonals) { expect_head_scores(false); }
TEST_P(Scores, HeadScoresOfSequencesWithBosAreMeansOfDiagonalsBehindIt) {
  expect_head_scores(true);
}

INSTANTIATE_TEST_SUITE_P(OfTinyModels, Scores, ::testing::ValuesIn(kTinyModels), model_test_name);
// models/ioi-small/heads.py measures the same with PyTorch: 0.1 looks at the token before, 2.0 and
// 2.1 continue what came before, 2.2 and 2.3 move names.
TEST(ScoresOfIoiSmall, KnowItsHeads) {
  const EffectTable scores = run_on_ioi_small("head_scores", "ioi", 2);
  const auto mean = [](const EffectTable& table, const std::vector<std::string_view>& labels) {
    double sum = 0.0;
    for (std::int64_t i = 0; i < table.n_prompts(); ++i) sum += value_at(table, labels, i);
    return sum / static_cast<double>(table.n_prompts());
  };
  EXPECT_GT(mean(scores, {"previous token", "0", "1"}), 0.8);
  EXPECT_GT(mean(scores, {"induction", "2", "0"}), 0.8);
  EXPECT_GT(mean(scores, {"induction", "2", "1"}), 0.7);
  const EffectTable copies = run_on_ioi_small("copy_scores", "ioi", 20);
  EXPECT_GT(mean(copies, {"copies", "2", "2"}), 0.6);
  EXPECT_GT(mean(copies, {"copies", "2", "3"}), 0.6);
  EXPECT_LT(mean(copies, {"suppresses", "2", "3"}), 0.1);
}

TEST(Correlation, IsPearsons) {
  const std::vector<double> x = {1.0, 2.0, 3.0, 4.0};
  const std::vector<double> y = {2.0, 1.0, 4.0, 3.0};
  EXPECT_NEAR(correlation(x, y), 0.6, 1e-12);
  EXPECT_NEAR(correlation(x, std::vector<double>{-2.0, -4.0, -6.0, -8.0}), -1.0, 1e-12);
  EXPECT_TRUE(std::isnan(correlation(x, std::vector<double>(4, 3.0))));
  const double nan = std::nan("");
  EXPECT_NEAR(correlation(std::vector<double>{1.0, nan, 2.0, 3.0, 9.0},
                          std::vector<double>{1.0, 5.0, 2.0, 3.0, nan}),
              1.0, 1e-12);
  EXPECT_TRUE(std::isnan(correlation(std::vector<double>{1.0}, std::vector<double>{1.0})));
}

}  // namespace
}  // namespace patchbay
