// Finding a circuit: on ioi-small, whose heads have names, and that what is found is what path
// patching measures.
#include "patchbay/circuits/circuit_search.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "patchbay/results/circuit_graph.h"
#include "tests/support/experiment_runs.h"
#include "tests/support/prompt_pairs.h"

namespace patchbay {
namespace {

double percent(const std::vector<double>& patched, const std::vector<double>& clean) {
  double change = 0.0;
  double whole = 0.0;
  for (std::size_t i = 0; i < clean.size(); ++i) {
    change += patched[i] - clean[i];
    whole += clean[i];
  }
  return 100.0 * change / whole;
}

class CircuitOfIoiSmall : public ::testing::Test {
 protected:
  FoundCircuit found(double threshold, std::int64_t most_nodes) {
    return find_circuit(
        Session(ctx_, model_, prompts_),
        {.metric = metrics::find("logit_diff"), .threshold = threshold, .most_nodes = most_nodes});
  }

  RunContext ctx_{RunOptions{.threads = 2}};
  HookedTransformer model_ =
      load_model(ctx_, std::filesystem::path(PATCHBAY_MODELS_DIR) / "ioi-small");
  PromptSet prompts_ = make_prompts(model_, "ioi", {.prompts = 30});
};

// models/ioi-small/heads.py says: name movers 2.2 and 2.3, which 1.1 and 1.2 tell where to look.
TEST_F(CircuitOfIoiSmall, HasItsNameMoverAndTheHeadsThatGuideIt) {
  const FoundCircuit circuit = found(5.0, 30);
  const auto has = [&](const char* edge) {
    return std::ranges::find(circuit.edges, edge, [](const CircuitEdge& one) {
             return text_of(one);
           }) != circuit.edges.end();
  };
  EXPECT_TRUE(has("2.2@END -> logits"));
  EXPECT_TRUE(has("1.1@END -> 2.2@END.q"));
  EXPECT_TRUE(has("1.2@END -> 2.2@END.q"));
  ASSERT_EQ(circuit.values.size(), circuit.edges.size() * 30);
  // Alone it does nearly the whole task, and without any head hardly anything is left.
  const Session session(ctx_, model_, prompts_);
  Knockouts knockouts(session, {.metric = metrics::find("logit_diff")});
  const std::size_t alone = knockouts.add_circuit(circuit.nodes);
  const std::size_t nothing = knockouts.add_circuit({});
  knockouts.run();
  EXPECT_GT(percent(knockouts.values(alone), circuit.baselines.clean), -25.0);
  EXPECT_LT(percent(knockouts.values(nothing), circuit.baselines.clean), -75.0);
}

TEST_F(CircuitOfIoiSmall, HoldsWhatPathPatchingMeasures) {
  const FoundCircuit circuit = found(5.0, 30);
  const std::size_t end = prompts_.index_of_position("END");
  std::size_t checked = 0;
  for (std::size_t i = 0; i < circuit.edges.size(); ++i) {
    const CircuitEdge& edge = circuit.edges[i];
    const auto head_of = [](const std::string& node) {
      return parse_circuit(node.substr(0, node.find('@'))).classes[0].heads[0];
    };
    if (!edge.sender.ends_with("@END") || edge.input == "k" || edge.input == "v") continue;
    const Head sender = head_of(edge.sender);
    Path path{{{.site = HookPoint::kZ,
                .layer = sender.layer,
                .head = sender.head,
                .positions = Positions::named(end)}},
              {},
              edge.receiver == "logits"};
    if (!path.to_logits) {
      const Head receiver = head_of(edge.receiver);
      path.receivers = {{{.site = HookPoint::kQ,
                          .layer = receiver.layer,
                          .head = receiver.head,
                          .positions = Positions::named(end)}}};
    }
    const SweepResult result = run_path_sweep(
        ctx_, model_, prompts_, {.paths = {path}, .metric = metrics::find("logit_diff")});
    const auto own = std::span(circuit.values).subspan(i * 30, 30);
    EXPECT_TRUE(std::ranges::equal(result.values, own)) << text_of(edge);
    if (path.to_logits) {
      EXPECT_GE(std::abs(percent(result.values, result.baselines.clean)), 5.0);
    }
    ++checked;
  }
  EXPECT_GE(checked, 5U);
}

TEST_F(CircuitOfIoiSmall, StaysWithinItsBudgetAndThreshold) {
  const FoundCircuit whole = found(5.0, 30);
  const FoundCircuit two = found(5.0, 2);
  EXPECT_EQ(two.nodes.size(), 2U);
  for (const CircuitEdge& edge : two.edges) EXPECT_EQ(edge.receiver, "logits");
  EXPECT_TRUE(found(90.0, 30).edges.empty());
  const FoundCircuit more = found(2.0, 30);
  EXPECT_TRUE(std::ranges::includes(more.nodes, whole.nodes));
  EXPECT_GT(more.nodes.size(), whole.nodes.size());
}

TEST_F(CircuitOfIoiSmall, IsTheSameWhateverThreadsAndMemory) {
  const FoundCircuit two = found(5.0, 30);
  const RunContext small({.threads = 3, .max_memory = std::int64_t{64} << 20});
  const FoundCircuit three =
      find_circuit(Session(small, model_, prompts_), {.metric = metrics::find("logit_diff")});
  EXPECT_EQ(two.nodes, three.nodes);
  EXPECT_EQ(two.values, three.values);
}

// The table says how faithful the circuit is and how it varies; other experiments read it.
TEST(CircuitExperiment, WritesWhatTheOthersRead) {
  const EffectTable table = run_on_ioi_small("find_circuit", "ioi", 12);
  ASSERT_EQ(table.notes.size(), 6U);
  EXPECT_NE(table.notes[1].find("% of the clean logit_diff (95 % interval"), std::string::npos);
  EXPECT_NE(table.notes[2].find("searched in each half of the prompts"), std::string::npos);
  EXPECT_NE(table.notes[5].find("of 12 prompts are alone in their template"), std::string::npos);
  const EffectTable alone =
      run_on_ioi_small("faithfulness", "ioi", 12, {{"circuit", text_of(circuit_of(table))}});
  // The same faithfulness as the search says.
  const double left = 100.0 + percent({alone.cell_values(0).begin(), alone.cell_values(0).end()},
                                      alone.baselines.clean);
  EXPECT_NE(table.notes[1].find(fmt::format(": {:.1f} %", left)), std::string::npos)
      << table.notes[1] << " " << left;
}

// Prompts that name nothing but END: keys and values are read at all positions at once.
TEST_F(CircuitOfIoiSmall, NeedsNoNamedPositions) {
  prompts_.position_names = {"END"};
  for (PromptPair& pair : prompts_.pairs) {
    pair.positions = {pair.positions.back()};
    pair.corrupted_positions = pair.positions;
  }
  const FoundCircuit circuit = found(5.0, 30);
  std::size_t everywhere = 0;
  for (const CircuitNode& node : circuit.nodes) {
    EXPECT_NE(node.position, CircuitNode::kElsewhere);
    if (node.position == CircuitNode::kEverywhere) ++everywhere;
  }
  EXPECT_GT(everywhere, 0U);
  EXPECT_LT(everywhere, circuit.nodes.size());
}

TEST(CircuitExperiment, RefusesAThresholdThatFindsNothing) {
  const TinyGpt2 tiny;
  const PromptSet prompts = reference_pairs(tiny);
  EXPECT_NE(usage_error("find_circuit", tiny, prompts, {{"threshold", "0"}}).find("more than 0"),
            std::string::npos);
  EXPECT_NE(usage_error("find_circuit", tiny, prompts, {{"threshold", "100000"}})
                .find("no path from a head to the logits"),
            std::string::npos);
}

}  // namespace
}  // namespace patchbay
