// The picture of a circuit of thirty nodes, as it stands in its SVG: what is read is not drawn
// over.
#include "patchbay/results/circuit_graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "patchbay/report/figure.h"
#include "patchbay/results/statistics.h"
#include "tests/results/results_testing.h"

namespace patchbay {
namespace {

constexpr const char* kInputs[] = {"q", "k", "v"};

// Thirty heads in twelve layers; each is read by one to three above it, the highest by the logits.
EffectTable circuit_of_thirty(std::uint64_t seed) {
  SplitMix64 random(seed);
  const auto below = [&](std::size_t n) {
    return static_cast<std::size_t>(testing::uniform(random) * static_cast<double>(n));
  };
  std::vector<std::string> nodes;
  std::vector<std::size_t> layers;
  for (std::size_t i = 0; i < 30; ++i) {
    layers.push_back(i * 12 / 30);
    nodes.push_back(std::to_string(layers[i]) + "." + std::to_string(i % 12) +
                    (i % 3 == 0   ? "@END"
                     : i % 3 == 1 ? "@S1+1"
                                  : "@elsewhere"));
  }
  std::vector<std::string> edges;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (layers[i] >= 8) edges.push_back(nodes[i] + " -> logits");
    for (std::size_t n = below(3) + (layers[i] < 8 ? 1 : 0); n > 0; --n) {
      const std::size_t first = i + 1 + below(nodes.size() - i);
      if (first >= nodes.size() || layers[first] == layers[i]) continue;
      const std::string edge = nodes[i] + " -> " + nodes[first] + "." + kInputs[below(3)];
      if (std::ranges::find(edges, edge) == edges.end()) edges.push_back(edge);
    }
  }
  EffectTable table = testing::random_table(edges.size(), 3, Direction::kNoise, seed);
  table.axes.front() = {"edge", edges};
  return table;
}

struct Box {
  double left, top, right, bottom;
};

struct Stroke {
  std::string from, to;
  double half;  // of its width
  std::vector<std::pair<double, double>> points;
};

struct Picture {
  std::vector<std::pair<std::string, Box>> nodes;
  std::vector<std::pair<std::string, Box>> labels;
  std::vector<Stroke> edges;
};

std::vector<std::pair<double, double>> points_of(const std::string& path) {
  std::vector<std::pair<double, double>> points;
  std::string spaced;
  for (const char c : path) {
    spaced += std::isalpha(static_cast<unsigned char>(c)) != 0 ? std::string(" ") + c + " "
                                                               : std::string(1, c);
  }
  std::istringstream in(spaced);
  std::string step;
  while (in >> step) {
    double n[6];
    for (int i = 0; i < (step == "C" ? 6 : 2); ++i) in >> n[i];
    if (step == "M") {
      points.emplace_back(n[0], n[1]);
      continue;
    }
    const auto [x, y] = points.back();
    for (int i = 1; i <= 24; ++i) {
      const double t = i / 24.0;
      const double u = 1.0 - t;
      if (step == "L") {
        points.emplace_back(u * x + t * n[0], u * y + t * n[1]);
      } else {
        const double w[] = {u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t};
        points.emplace_back(w[0] * x + w[1] * n[0] + w[2] * n[2] + w[3] * n[4],
                            w[0] * y + w[1] * n[1] + w[2] * n[3] + w[3] * n[5]);
      }
    }
  }
  return points;
}

Picture picture_of(const EffectTable& table) {
  const TableStatistics statistics = table_statistics(table);
  std::string svg =
      figures::find("circuit_graph")
          .draw({.table = table, .statistics = statistics, .effect = EffectKind::kRaw})
          .markup;
  svg = svg.substr(svg.find("<g transform"), svg.find("edge width") - svg.find("<g transform"));
  const std::regex line(
      R"re(data-from="([^"]*)" data-to="([^"]*)"|<path d="([^"]*)".* stroke-width="([^"]*)"|)re"
      R"re(<rect x="([^"]*)" y="([^"]*)" width="([^"]*)" height="([^"]*)" class="node".*<title>(.*)</title>|)re"
      R"re(<text x="([^"]*)" y="([^"]*)"(.*)>([^<]*)</text>)re");
  Picture picture;
  Stroke stroke;
  for (std::sregex_iterator i(svg.begin(), svg.end(), line), end; i != end; ++i) {
    const std::smatch& match = *i;
    const auto number = [&](std::size_t group) { return std::stod(match[group]); };
    if (match[1].matched) {
      stroke.from = match[1];
      stroke.to = match[2];
    } else if (match[3].matched) {
      stroke.points = points_of(match[3]);
      stroke.half = number(4) / 2.0;
      picture.edges.push_back(stroke);
    } else if (match[5].matched) {
      picture.nodes.emplace_back(
          match[9], Box{number(5), number(6), number(5) + number(7), number(6) + number(8)});
    } else {
      const double width = text_width(match[13].str());
      const double left =
          number(10) - (match[12].str().find("middle") != std::string::npos ? width / 2.0 : 0.0);
      picture.labels.emplace_back(match[13],
                                  Box{left, number(11) - 9.0, left + width, number(11) + 3.0});
    }
  }
  return picture;
}

bool overlap(const Box& a, const Box& b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

bool is_in(const Box& a, const Box& b) {
  return a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
}

TEST(CircuitGraphFigure, NoEdgeOfThirtyNodesPassesBehindAForeignNode) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const EffectTable table = circuit_of_thirty(seed);
    const Picture picture = picture_of(table);
    ASSERT_EQ(picture.edges.size(), edges_of(table).size());
    ASSERT_GT(picture.nodes.size(), 25U);
    for (const Stroke& edge : picture.edges) {
      for (const auto& [name, box] : picture.nodes) {
        if (name == edge.from || name == edge.to) continue;
        for (const auto& [x, y] : edge.points) {
          EXPECT_FALSE(overlap(box, {x - edge.half, y - 0.1, x + edge.half, y + 0.1}))
              << edge.from << " -> " << edge.to << " meets " << name;
        }
      }
    }
  }
}

TEST(CircuitGraphFigure, NoLabelOfThirtyNodesLiesOnAnEdgeAForeignNodeOrAnotherLabel) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const Picture picture = picture_of(circuit_of_thirty(seed));
    ASSERT_GT(picture.labels.size(), picture.nodes.size());
    for (std::size_t i = 0; i < picture.labels.size(); ++i) {
      const auto& [text, box] = picture.labels[i];
      SCOPED_TRACE(text);
      for (const Stroke& edge : picture.edges) {
        for (const auto& [x, y] : edge.points) {
          EXPECT_FALSE(overlap(box, {x - edge.half, y - 0.1, x + edge.half, y + 0.1}));
        }
      }
      std::size_t around = 0;
      for (const auto& [name, node] : picture.nodes) {
        if (overlap(box, node)) {
          EXPECT_TRUE(is_in(box, node)) << name;
          ++around;
        }
      }
      EXPECT_LE(around, 1U);
      for (std::size_t j = 0; j < i; ++j) EXPECT_FALSE(overlap(box, picture.labels[j].second));
    }
  }
}

TEST(CircuitGraphFigure, EveryEdgeArrivesAtTheLetterOfItsInput) {
  const EffectTable table = circuit_of_thirty(1);
  const Picture picture = picture_of(table);
  const std::vector<CircuitEdge> edges = edges_of(table);
  for (std::size_t i = 0; i < edges.size(); ++i) {
    if (edges[i].input.empty()) continue;
    const auto [x, y] = picture.edges[i].points.back();
    const bool is_met = std::ranges::any_of(picture.labels, [&, x = x, y = y](const auto& label) {
      const Box& box = label.second;
      return label.first == edges[i].input && box.left <= x && x <= box.right && box.bottom <= y &&
             y < box.bottom + 8.0;
    });
    EXPECT_TRUE(is_met) << text_of(edges[i]);
  }
}

}  // namespace
}  // namespace patchbay
