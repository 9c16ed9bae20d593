// Circuits as text and as graphs, and the published ones.
#include "patchbay/circuits/circuit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "patchbay/base/error.h"
#include "patchbay/results/circuit_graph.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

std::string error_of(std::string_view text) {
  try {
    (void)parse_circuit(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  return "no error";
}

TEST(Circuit, IsReadAndWrittenAsText) {
  const std::string text =
      "name mover: 9.9 9.6 10.0 @ END; previous token: 2.2 4.11 @ S1+1 elsewhere; class 3: 0.1";
  const Circuit circuit = parse_circuit(text);
  ASSERT_EQ(circuit.classes.size(), 3U);
  EXPECT_EQ(circuit.classes[0].heads, (std::vector<Head>{{9, 9}, {9, 6}, {10, 0}}));
  EXPECT_EQ(circuit.classes[1].positions, (std::vector<std::string>{"S1+1", "elsewhere"}));
  EXPECT_TRUE(circuit.classes[2].positions.empty());
  EXPECT_EQ(text_of(circuit), text);
  EXPECT_EQ(text_of(parse_circuit("  1.2   3.4@END ;; 5.6 ")),
            "class 1: 1.2 3.4 @ END; class 2: 5.6");
}

TEST(Circuit, RefusesWhatIsNoHead) {
  EXPECT_NE(error_of("9,9").find("\"9,9\" is not a head"), std::string::npos);
  EXPECT_NE(error_of("movers: 9.9 x").find("\"x\" is not a head"), std::string::npos);
  EXPECT_NE(error_of("movers: 9.-1").find("is not a head"), std::string::npos);
  EXPECT_NE(error_of("movers: @ END").find("\"movers\" has no heads"), std::string::npos);
  EXPECT_NE(error_of(" ; ").find("at least one head"), std::string::npos);
}

// Wang et al. 2022: 26 heads in seven classes.
TEST(Circuit, OfThePaperHasItsHeads) {
  HookedTransformerConfig cfg = TinyGpt2().model.cfg();
  cfg.n_layers = 12;
  cfg.n_heads = 12;
  cfg.d_model = 768;
  const Circuit paper = published_circuit("paper", cfg);
  std::set<Head> heads;
  for (const HeadClass& one : paper.classes) {
    heads.insert(one.heads.begin(), one.heads.end());
    EXPECT_EQ(one.positions.size(), 1U);
  }
  EXPECT_EQ(paper.classes.size(), 7U);
  EXPECT_EQ(heads.size(), 26U);
  // The naive circuit and the lab's list are parts of it.
  for (const char* name : {"naive", "lab"}) {
    for (const HeadClass& one : published_circuit(name, cfg).classes) {
      for (const Head& head : one.heads) EXPECT_TRUE(heads.contains(head)) << text_of(head);
    }
  }
  EXPECT_EQ(published_minimality_set({5, 8}), (std::vector<Head>{{10, 7}, {11, 10}}));
  EXPECT_EQ(published_minimality_set({9, 6}), (std::vector<Head>{{9, 9}, {10, 0}}));
  EXPECT_EQ(published_minimality_set({2, 2}), (std::vector<Head>{{4, 11}}));
  EXPECT_EQ(published_minimality_set({9, 0}).size(), 10U);  // every other name mover
}

TEST(Circuit, OfThePaperIsOfNoOtherModel) {
  const TinyGpt2 tiny;
  const auto says = [&](const char* name) -> std::string {
    try {
      (void)published_circuit(name, tiny.model.cfg());
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_NE(says("paper").find("is of GPT-2 small"), std::string::npos);
  EXPECT_NE(says("papr").find("did you mean \"paper\"?"), std::string::npos);
}

EffectTable graph() {
  EffectTable table;
  table.experiment = "find_circuit";
  table.metric = "logit_diff";
  table.direction = Direction::kNoise;
  table.axes = {{"edge",
                 {"9.9@END -> logits", "7.3@END -> 9.9@END.q", "5.5@S2 -> 7.3@END.v",
                  "3.0@elsewhere -> 5.5@S2.k", "3.0@elsewhere -> 9.9@END.v"}},
                {"prompt", {"0", "1"}}};
  table.values = {1.0, 1.0, 1.5, 1.5, 1.8, 1.8, 2.2, 2.2, 1.9, 1.9};
  table.baselines = {{2.0, 2.0}, {0.0, 0.0}};
  table.effect = EffectKind::kPercentOfClean;
  return table;
}

TEST(CircuitGraph, GivesACircuitByDistanceFromTheLogits) {
  const Circuit circuit = circuit_of(graph());
  EXPECT_EQ(text_of(circuit),
            "to the logits from END: 9.9 @ END; step 2 from END: 7.3 @ END; step 2 from elsewhere: "
            "3.0 @ elsewhere; step 3 from S2: 5.5 @ S2");
  EXPECT_EQ(circuit.classes.back().steps, 3);
  EXPECT_EQ(text_of(parse_circuit(text_of(circuit))), text_of(circuit));
  for (std::size_t i = 0; i < graph().axes[0].labels.size(); ++i) {
    EXPECT_EQ(text_of(edges_of(graph())[i]), graph().axes[0].labels[i]);
  }
}

TEST(CircuitGraph, IsDrawnForGraphviz) {
  const std::string dot = circuit_dot(graph());
  EXPECT_EQ(dot.find("digraph circuit {"), 0U);
  EXPECT_NE(
      dot.find("\"9.9@END\" -> \"logits\" [label=\"-50.0\", penwidth=5.00, color=\"#2166ac\"]"),
      std::string::npos)
      << dot;
  EXPECT_NE(dot.find("\"3.0@elsewhere\" -> \"5.5@S2\" [label=\"k 10.0\""), std::string::npos);
  EXPECT_NE(dot.find("color=\"#b2182b\", headport=s]"), std::string::npos)
      << "keys arrive in the middle";
  EXPECT_NE(dot.find("{ rank=same; \"3.0@elsewhere\"; }  // layer 3"), std::string::npos);
}

TEST(CircuitGraph, RefusesTablesThatAreNoGraph) {
  const auto says = [](EffectTable table) -> std::string {
    try {
      (void)edges_of(table);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadData);
      return error.what();
    }
    return "no error";
  };
  EffectTable table = graph();
  table.axes[0].name = "node";
  EXPECT_NE(says(table).find("has no edges"), std::string::npos);
  table = graph();
  table.axes[0].labels[1] = "7.3@END";
  EXPECT_NE(says(table).find("is not an edge"), std::string::npos);
  table.axes[0].labels[1] = "7.3@END -> 9.9@END";
  EXPECT_NE(says(table).find("which input is read"), std::string::npos);
}

}  // namespace
}  // namespace patchbay
