// Layouts of graphs in layers: what no layout may do, on random graphs and on small ones by hand.
#include "patchbay/report/layered_layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "patchbay/base/error.h"
#include "patchbay/base/split_mix.h"
#include "tests/results/results_testing.h"

namespace patchbay {
namespace {

constexpr LayeredSizes kSizes;

// As many nodes in as many layers below a bar, every pair joined with this chance.
LayeredGraph random_graph(std::size_t nodes, int layers, double chance, std::uint64_t seed) {
  SplitMix64 random(seed);
  LayeredGraph graph;
  for (std::size_t i = 0; i < nodes; ++i) {
    const int layer = static_cast<int>(testing::uniform(random) * layers);
    graph.nodes.push_back({.layer = 3 * layer, .width = 60.0 + 60.0 * testing::uniform(random)});
  }
  graph.nodes.push_back({.layer = 1000, .width = 0.0, .is_bar = true});
  for (std::size_t from = 0; from < nodes; ++from) {
    for (std::size_t to = 0; to <= nodes; ++to) {
      if (graph.nodes[from].layer >= graph.nodes[to].layer) continue;
      if (testing::uniform(random) > chance) continue;
      const double port =
          to == nodes ? 0.0 : 20.0 * std::floor(3.0 * testing::uniform(random) - 1.0);
      graph.edges.push_back({from, to, port});
    }
  }
  return graph;
}

LayeredPoint at(const LayeredCurve& curve, double t) {
  const double u = 1.0 - t;
  const double weights[] = {u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t};
  LayeredPoint point;
  for (std::size_t i = 0; i < 4; ++i) {
    point.x += weights[i] * curve[i].x;
    point.y += weights[i] * curve[i].y;
  }
  return point;
}

double half_width(const LayeredGraph& graph, const LayeredLayout& layout, std::size_t node) {
  return (graph.nodes[node].is_bar ? layout.width : graph.nodes[node].width) / 2.0;
}

// The first edge that comes nearer than `margin` to a node which it does not touch, or that runs
// into the box of one that it does; empty if there is none.
std::string meeting(const LayeredGraph& graph, const LayeredLayout& layout, double margin) {
  for (std::size_t edge = 0; edge < graph.edges.size(); ++edge) {
    for (const LayeredCurve& curve : layout.routes[edge]) {
      for (int step = 0; step <= 32; ++step) {
        const LayeredPoint point = at(curve, step / 32.0);
        for (std::size_t node = 0; node < graph.nodes.size(); ++node) {
          const bool is_own = node == graph.edges[edge].from || node == graph.edges[edge].to;
          const double dx =
              std::abs(point.x - layout.nodes[node].x) - half_width(graph, layout, node);
          const double dy = std::abs(point.y - layout.nodes[node].y) - kSizes.node_height / 2.0;
          if (is_own ? dx < 0.0 && dy < -1e-9 : dx < margin && dy < 0.0) {
            return "edge " + std::to_string(edge) + " meets node " + std::to_string(node);
          }
        }
      }
    }
  }
  return "";
}

bool same(const LayeredPoint& a, const LayeredPoint& b) {
  return std::abs(a.x - b.x) < 1e-9 && std::abs(a.y - b.y) < 1e-9;
}

TEST(LayeredLayout, NoEdgePassesBehindANodeThatItDoesNotTouch) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const LayeredGraph graph = random_graph(5 + seed, 2 + static_cast<int>(seed % 7), 0.2, seed);
    SCOPED_TRACE(seed);
    EXPECT_EQ(meeting(graph, layered_layout(graph), kSizes.node_gap / 2.0 - 1e-6), "");
  }
}

TEST(LayeredLayout, BoxesOfALayerDoNotOverlapAndAllIsInThePicture) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const LayeredGraph graph = random_graph(5 + seed, 2 + static_cast<int>(seed % 7), 0.2, seed);
    const LayeredLayout layout = layered_layout(graph);
    SCOPED_TRACE(seed);
    for (std::size_t a = 0; a < graph.nodes.size(); ++a) {
      EXPECT_GE(layout.nodes[a].x - half_width(graph, layout, a), -1e-9);
      EXPECT_LE(layout.nodes[a].x + half_width(graph, layout, a), layout.width + 1e-9);
      for (std::size_t b = 0; b < a; ++b) {
        EXPECT_EQ(graph.nodes[a].layer<graph.nodes[b].layer, layout.nodes[a].y> layout.nodes[b].y);
        if (graph.nodes[a].layer != graph.nodes[b].layer) continue;
        EXPECT_GE(std::abs(layout.nodes[a].x - layout.nodes[b].x) + 1e-6,
                  (graph.nodes[a].width + graph.nodes[b].width) / 2.0 + kSizes.node_gap);
      }
    }
    for (const auto& route : layout.routes) {
      for (const LayeredCurve& curve : route) {
        for (const LayeredPoint& point : curve) {
          EXPECT_TRUE(point.x >= -1e-9 && point.x <= layout.width + 1e-9);
          EXPECT_TRUE(point.y >= -1e-9 && point.y <= layout.height + 1e-9);
        }
      }
    }
  }
}

TEST(LayeredLayout, RoutesGoFromTheSendersTopToTheReceiversPortWithoutGaps) {
  const LayeredGraph graph = random_graph(30, 6, 0.3, 7);
  const LayeredLayout layout = layered_layout(graph);
  for (std::size_t i = 0; i < graph.edges.size(); ++i) {
    const LayeredEdge& edge = graph.edges[i];
    const auto& route = layout.routes[i];
    EXPECT_LT(std::abs(route.front()[0].x - layout.nodes[edge.from].x),
              graph.nodes[edge.from].width / 2.0);
    EXPECT_EQ(route.front()[0].y, layout.nodes[edge.from].y - kSizes.node_height / 2.0);
    EXPECT_EQ(route.back()[3].y, layout.nodes[edge.to].y + kSizes.node_height / 2.0);
    if (!graph.nodes[edge.to].is_bar) {
      EXPECT_NEAR(route.back()[3].x, layout.nodes[edge.to].x + edge.port, 1e-9);
    }
    for (std::size_t c = 1; c < route.size(); ++c) EXPECT_TRUE(same(route[c - 1][3], route[c][0]));
  }
}

TEST(LayeredLayout, AnEdgeOverALayerPassesBesideItsOnlyNode) {
  // 0 is read by 1, and by 2 past 1.
  const LayeredGraph graph = {.nodes = {{0, 80.0}, {1, 80.0}, {2, 80.0}},
                              .edges = {{0, 1, 0.0}, {1, 2, 0.0}, {0, 2, 0.0}}};
  const LayeredLayout layout = layered_layout(graph);
  ASSERT_EQ(layout.routes[2].size(), 3U);
  const LayeredCurve& passing = layout.routes[2][1];
  EXPECT_EQ(passing[0].x, passing[3].x);
  EXPECT_GE(std::abs(passing[0].x - layout.nodes[1].x), 40.0 + kSizes.node_gap / 2.0);
}

TEST(LayeredLayout, OrdersNodesSoThatEdgesNeedNotCross) {
  // Three ladders whose upper ends are listed the other way round.
  const LayeredGraph graph = {
      .nodes = {{0, 60.0}, {0, 60.0}, {0, 60.0}, {1, 60.0}, {1, 60.0}, {1, 60.0}},
      .edges = {{0, 5, 0.0}, {1, 4, 0.0}, {2, 3, 0.0}}};
  const LayeredLayout layout = layered_layout(graph);
  for (const LayeredEdge& edge : graph.edges) {
    EXPECT_NEAR(layout.nodes[edge.from].x, layout.nodes[edge.to].x, 1e-6);
  }
}

TEST(LayeredLayout, EdgesThatDoNotGoUpAreDrawnWithoutMeetingBoxes) {
  const LayeredGraph graph = {
      .nodes = {{0, 60.0}, {2, 60.0}, {2, 60.0}, {1, 60.0}},
      .edges = {{1, 0, 10.0}, {1, 2, 0.0}, {2, 1, 0.0}, {3, 3, 0.0}, {0, 1, 0.0}}};
  const LayeredLayout layout = layered_layout(graph);
  EXPECT_EQ(meeting(graph, layout, 1.0), "");
  EXPECT_EQ(layout.routes[0].front()[0].y, layout.nodes[1].y + kSizes.node_height / 2.0);
  for (const auto& route : layout.routes) {
    for (const LayeredCurve& curve : route) {
      for (const LayeredPoint& point : curve) EXPECT_GE(point.y, 0.0);
    }
  }
}

TEST(LayeredLayout, IsTheSameEveryTime) {
  const LayeredGraph graph = random_graph(30, 6, 0.3, 3);
  const LayeredLayout one = layered_layout(graph);
  const LayeredLayout other = layered_layout(graph);
  ASSERT_EQ(one.routes.size(), other.routes.size());
  for (std::size_t i = 0; i < one.nodes.size(); ++i) {
    EXPECT_EQ(one.nodes[i].x, other.nodes[i].x);
    EXPECT_EQ(one.nodes[i].y, other.nodes[i].y);
  }
}

TEST(LayeredLayout, RefusesWhatIsNoGraphInLayers) {
  const auto says = [](const LayeredGraph& graph, const LayeredSizes& sizes) -> std::string {
    try {
      (void)layered_layout(graph, sizes);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      return error.what();
    }
    return "no error";
  };
  EXPECT_NE(says({}, {}).find("there are no nodes"), std::string::npos);
  EXPECT_NE(says({.nodes = {{0, 60.0}}, .edges = {{0, 1, 0.0}}}, {}).find("node 1 of 1"),
            std::string::npos);
  EXPECT_NE(says({.nodes = {{0, 0.0}}, .edges = {}}, {}).find("a node is 0 wide"),
            std::string::npos);
  EXPECT_NE(says({.nodes = {{0, 60.0}, {0, 0.0, true}}, .edges = {}}, {}).find("a bar is alone"),
            std::string::npos);
  EXPECT_NE(says({.nodes = {{0, 60.0}}, .edges = {}}, {.lane_width = 0.0}).find("make it positive"),
            std::string::npos);
  EXPECT_NE(says({.nodes = {{0, 60.0}}, .edges = {}}, {.level = 20.0}).find("room for edges"),
            std::string::npos);
}

}  // namespace
}  // namespace patchbay
