// How much is computed, held to formulas that are written down: floating-point operations of matrix
// products, which no clock and no machine changes.
#include <gtest/gtest.h>

#include <algorithm>

#include "patchbay/circuits/circuit_search.h"
#include "patchbay/patching/session.h"
#include "patchbay/tasks/task.h"
#include "tests/support/prompt_pairs.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

using enum HookPoint;

// What one row costs in the products of one block.
struct RowWork {
  explicit RowWork(const HookedTransformerConfig& cfg)
      : queries(2 * cfg.d_model * cfg.n_heads * cfg.d_head),
        keys_and_values(2 * 2 * cfg.d_model * cfg.key_value_heads() * cfg.d_head),
        output(2 * cfg.n_heads * cfg.d_head * cfg.d_model),
        mlp((cfg.gated_mlp ? 6 : 4) * cfg.d_model * cfg.d_mlp),
        block(queries + keys_and_values + output + mlp),
        // Chosen logits are columns of the unembedding in panels of sixteen.
        logits(2 * cfg.d_model * 16) {}

  std::int64_t queries;
  std::int64_t keys_and_values;
  std::int64_t output;
  std::int64_t mlp;
  std::int64_t block;
  std::int64_t logits;
};

// The base runs of both sides of a pair, and what their metric reads.
std::int64_t base_work(const HookedTransformerConfig& cfg, const PromptPair& pair) {
  const RowWork row(cfg);
  return 2 * (std::ssize(pair.clean) * cfg.n_layers * row.block + row.logits);
}

// A replay in which z of one block changes at the last `rows` positions: the rest of that block,
// all of the next ones, and of the last one keys and values alone but for the last position.
std::int64_t replay_work(const HookedTransformerConfig& cfg, int layer, std::int64_t rows) {
  const RowWork row(cfg);
  const auto last = static_cast<int>(cfg.n_layers) - 1;
  if (layer == last) return row.output + row.mlp + row.logits;
  return rows * (row.output + row.mlp) + (last - layer - 1) * rows * row.block +
         rows * row.keys_and_values + row.queries + row.output + row.mlp + row.logits;
}

// From the first token on that the two sides of a pair do not share.
std::int64_t rows_that_differ(const PromptPair& pair) {
  return pair.clean.end() - std::ranges::mismatch(pair.clean, pair.corrupted).in1;
}

class Work : public ::testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] const HookedTransformerConfig& cfg() const { return tiny_.model.cfg(); }

  // What `ask` computes is at most a tenth more than the formula, and not far less.
  template <class Ask>
  void expect_at_most(std::int64_t formula, const Ask& ask) {
    const std::int64_t before = tiny_.ctx.flops();
    ask();
    const std::int64_t work = tiny_.ctx.flops() - before;
    EXPECT_LE(static_cast<double>(work), 1.1 * static_cast<double>(formula));
    EXPECT_GE(static_cast<double>(work), 0.8 * static_cast<double>(formula));
  }

  TinyModel tiny_{GetParam()};
  PromptSet prompts_ = reference_pairs(tiny_);
};

TEST_P(Work, OfASweepOverHeadsIsItsBaseRunsAndReplays) {
  Sweep sweep{.variants = {}, .metric = metrics::find("logit_diff")};
  std::int64_t formula = 0;
  for (const PromptPair& pair : prompts_.pairs) formula += base_work(cfg(), pair);
  for (int layer = 0; layer < cfg().n_layers; ++layer) {
    for (std::int64_t head = 0; head < cfg().n_heads; ++head) {
      sweep.variants.push_back({{.site = kZ, .layer = layer, .head = head}});
      for (const PromptPair& pair : prompts_.pairs) {
        formula += replay_work(cfg(), layer, rows_that_differ(pair));
      }
    }
  }
  expect_at_most(formula, [&] {
    EXPECT_EQ(run_sweep(tiny_.ctx, tiny_.model, prompts_, sweep).values.size(),
              sweep.variants.size() * prompts_.pairs.size());
  });
}

// A frozen head costs nothing, and a sender at one position is one row through the MLPs above it.
TEST_P(Work, OfPathsToTheLogitsIsOneRowThroughTheMlps) {
  const RowWork row(cfg());
  PathSweep sweep{.paths = {}, .metric = metrics::find("logit_diff")};
  std::int64_t formula = 0;
  for (const PromptPair& pair : prompts_.pairs) formula += base_work(cfg(), pair);
  for (int layer = 0; layer < cfg().n_layers; ++layer) {
    for (std::int64_t head = 0; head < cfg().n_heads; ++head) {
      sweep.paths.push_back(
          {{{.site = kZ, .layer = layer, .head = head, .positions = Positions::named(2)}},
           {},
           true});
      formula += prompts_.size() * (row.output + (cfg().n_layers - layer) * row.mlp + row.logits);
    }
  }
  expect_at_most(formula, [&] { (void)run_path_sweep(tiny_.ctx, tiny_.model, prompts_, sweep); });
}

// Frozen norms and single neurons are replays too.
TEST_P(Work, OfFrozenNormsIsThatOfLiveOnes) {
  PathSweep sweep{.paths = {}, .metric = metrics::find("logit_diff")};
  for (std::int64_t head = 0; head < cfg().n_heads; ++head) {
    sweep.paths.push_back(
        {{{.site = kZ, .layer = 0, .head = head, .positions = Positions::named(2)}},
         {{{.site = kMlpPre, .layer = 1, .neuron = 3}}},
         true});
  }
  const std::int64_t before = tiny_.ctx.flops();
  (void)run_path_sweep(tiny_.ctx, tiny_.model, prompts_, sweep);
  const std::int64_t live = tiny_.ctx.flops() - before;
  sweep.norms = NormScale::kClean;
  std::int64_t scales = 0;  // one more pass, which records them
  for (const PromptPair& pair : prompts_.pairs) scales += base_work(cfg(), pair) / 2;
  expect_at_most(live + scales,
                 [&] { (void)run_path_sweep(tiny_.ctx, tiny_.model, prompts_, sweep); });
}

TEST_P(Work, OfAQuestionThatWasAnsweredIsNothing) {
  const Session session(tiny_.ctx, tiny_.model, prompts_);
  Sweep sweep{.variants = {{{.site = kZ, .layer = 0, .head = 1}}},
              .metric = metrics::find("logit_diff")};
  (void)session.run(sweep);
  const std::int64_t before = tiny_.ctx.flops();
  (void)session.run(sweep);
  EXPECT_EQ(tiny_.ctx.flops(), before);
  // The other direction, and other places, need no base run any more.
  sweep.direction = Direction::kDenoise;
  std::int64_t formula = 0;
  for (const PromptPair& pair : prompts_.pairs) {
    formula += replay_work(cfg(), 0, rows_that_differ(pair)) + 2 * RowWork(cfg()).logits;
  }
  expect_at_most(formula, [&] { (void)session.run(sweep); });
}

TEST_P(Work, OfTheLastQuestionIsWithoutWhatEarlierOnesLeft) {
  const Session session(tiny_.ctx, tiny_.model, prompts_);
  Sweep sweep{.variants = {{{.site = kZ, .layer = 0, .head = 1}}},
              .metric = metrics::find("logit_diff")};
  std::int64_t replays = 0;
  std::int64_t base_runs = 0;
  for (const PromptPair& pair : prompts_.pairs) {
    replays += replay_work(cfg(), 0, rows_that_differ(pair));
    base_runs += base_work(cfg(), pair);
  }
  // It keeps nothing itself …
  expect_at_most(base_runs + replays, [&] { (void)session.for_last_question().run(sweep); });
  sweep.variants[0][0].head = 0;
  expect_at_most(base_runs + replays, [&] { (void)session.run(sweep); });
  // … and finds what others kept.
  sweep.variants[0][0].layer = 1;
  const std::int64_t before = tiny_.ctx.flops();
  (void)session.for_last_question().run(sweep);
  EXPECT_LT(tiny_.ctx.flops() - before, base_runs / 2);
}

INSTANTIATE_TEST_SUITE_P(Each, Work, ::testing::ValuesIn(kTinyModels), model_test_name);

// A search asks some hundred questions in a row, whose base runs are made once; one on half of the
// prompts asks much that the whole has measured already.
TEST(WorkOfTheSearch, IsWhatItWasOnce) {
  const RunContext ctx({.threads = 2});
  const HookedTransformer model =
      load_model(ctx, std::filesystem::path(PATCHBAY_MODELS_DIR) / "ioi-small");
  const PromptSet prompts = make_prompts(model, "ioi", {.prompts = 40, .seed = 1});
  const Session session(ctx, model, prompts);
  const FoundCircuit circuit = find_circuit(session, {.metric = metrics::find("logit_diff")});
  EXPECT_FALSE(circuit.edges.empty());
  constexpr std::int64_t kGiga = 1'000'000'000;
  EXPECT_LE(ctx.flops(), 42 * kGiga);
  const std::int64_t whole = ctx.flops();
  PromptSet half = prompts;
  half.pairs.resize(20);
  (void)find_circuit(session.with(half), {.metric = metrics::find("logit_diff")});
  EXPECT_LE(ctx.flops() - whole, whole / 5);
}

}  // namespace
}  // namespace patchbay
