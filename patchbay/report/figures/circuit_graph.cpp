// A circuit as a graph: layers upward, the logits on top, an edge as wide as its effect.
#include "patchbay/results/circuit_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "patchbay/base/visible_text.h"
#include "patchbay/report/caption.h"
#include "patchbay/report/figure.h"
#include "patchbay/report/grid.h"

namespace patchbay::figures {

const Figure& circuit_graph();

namespace {

constexpr double kNodeWidth = 104.0;
constexpr double kNodeHeight = 30.0;
constexpr double kColumn = 132.0;
constexpr double kLevel = 92.0;
constexpr double kLeft = 58.0;

bool fits(const EffectTable& table) {
  return !table.axes.empty() && table.axes.front().name == "edge" && table.axes.size() == 2;
}

struct Node {
  int level = 0;  // 0 at the bottom
  double x = 0.0;
  double y = 0.0;
};

class Graph {
 public:
  explicit Graph(const Request& request)
      : request_(request), cells_(cells_of(request)), edges_(edges_of(request.table)) {
    place();
  }

  Drawing draw() {
    Svg svg;
    for (const auto& [layer, level] : levels_) {
      svg.text(0, y_of(level) + 4.0,
               layer == kLogitsLayer ? "logits" : fmt::format("layer {}", layer),
               {.name = "muted", .size = 11.0});
    }
    double largest = 0.0;
    for (const CellSummary& cell : cells_) {
      if (std::isfinite(cell.value)) largest = std::max(largest, std::abs(cell.value));
    }
    for (std::size_t i = 0; i < edges_.size(); ++i) edge(svg, i, largest);
    for (const auto& [name, node] : nodes_) draw_node(svg, name, node);
    const double height = y_of(0) + kNodeHeight + 6.0;
    double y = height + 12.0;
    for (const std::string& line : wrapped(
             fmt::format("edge width: |{}|, at most {}; red positive, blue negative; q, k, v: the "
                         "input that reads; head@position: where it is read",
                         name_of(request_.effect), effect_text(largest, request_.effect, false)),
             std::max(width_, 540.0), 11.0)) {
      svg.text(0, y, line, {.name = "muted", .size = 11.0});
      y += 15.0;
    }
    return framed(request_, svg, width_, y);
  }

 private:
  static constexpr int kLogitsLayer = 1 << 20;

  // Nodes of one layer lie side by side, near the middle of those that read them.
  void place() {
    std::map<int, std::vector<std::string>> layers;
    const auto add = [&](const std::string& name, int layer) {
      if (nodes_.try_emplace(name).second) layers[layer].push_back(name);
    };
    for (const CircuitEdge& edge : edges_) {
      add(edge.sender, layer_of_node(edge.sender));
      const bool logits = edge.receiver == "logits";
      add(edge.receiver, logits ? kLogitsLayer : layer_of_node(edge.receiver));
    }
    std::size_t widest = 1;
    for (const auto& [layer, names] : layers) {
      levels_.emplace(layer, static_cast<int>(levels_.size()));
      widest = std::max(widest, names.size());
    }
    width_ = kLeft + (static_cast<double>(widest) + 0.5) * kColumn;
    for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
      auto& names = layer->second;
      std::map<std::string, double> middle;
      for (const std::string& name : names) middle[name] = middle_of_receivers(name);
      std::ranges::stable_sort(
          names, {}, [&](const std::string& name) { return std::pair(middle[name], name); });
      const double room = (width_ - kLeft - kColumn / 2.0) / static_cast<double>(names.size());
      // Every other layer is moved aside, so that paths which pass it are seen.
      const bool moved = names.size() < widest && levels_[layer->first] % 2 == 1;
      for (std::size_t i = 0; i < names.size(); ++i) {
        Node& node = nodes_[names[i]];
        node.level = levels_[layer->first];
        node.x = kLeft + room * (static_cast<double>(i) + 0.5) + (moved ? kColumn / 2.0 : 0.0);
        node.y = y_of(node.level);
      }
    }
  }

  [[nodiscard]] double middle_of_receivers(const std::string& name) const {
    double sum = 0.0;
    double count = 0.0;
    for (const CircuitEdge& edge : edges_) {
      if (edge.sender != name) continue;
      sum += nodes_.at(edge.receiver).x;
      count += 1.0;
    }
    return count == 0.0 ? 0.0 : sum / count;
  }

  [[nodiscard]] double y_of(int level) const {
    return kNodeHeight / 2.0 +
           kLevel * static_cast<double>(static_cast<int>(levels_.size()) - 1 - level) + 4.0;
  }

  void edge(Svg& svg, std::size_t index, double largest) {
    const CircuitEdge& edge = edges_[index];
    const Node& from = nodes_.at(edge.sender);
    const Node& to = nodes_.at(edge.receiver);
    const double effect = cells_[index].value;
    const double share = largest > 0.0 && std::isfinite(effect) ? std::abs(effect) / largest : 0.0;
    // Queries, keys and values arrive beside each other.
    const double side = edge.input == "q" ? -22.0 : edge.input == "v" ? 22.0 : 0.0;
    const double x1 = from.x;
    const double y1 = from.y - kNodeHeight / 2.0;
    // The logits are as wide as the picture: what writes to them goes straight up.
    const double x2 = edge.receiver == "logits" ? from.x : to.x + side;
    const double y2 = to.y + kNodeHeight / 2.0;
    const double bend = (y1 - y2) * 0.45;
    svg.begin_group(0, 0, "edge",
                    {{"cell", std::to_string(index)},
                     {"from", edge.sender},
                     {"to", edge.receiver},
                     {"share", svg_number(100.0 * share)}});
    svg.path(fmt::format("M{} {}C{} {} {} {} {} {}", svg_number(x1), svg_number(y1), svg_number(x1),
                         svg_number(y1 - bend), svg_number(x2), svg_number(y2 + bend),
                         svg_number(x2), svg_number(y2)),
             {.name = "cell",
              .stroke = effect < 0.0 ? "#4393c3" : "#d6604d",
              .stroke_width = 1.0 + 8.0 * share,
              .title = cell_sentence(request_, index),
              .data = {{"cell", std::to_string(index)}}});
    if (!edge.input.empty()) {
      svg.text(x2 + 4.0, y2 + 12.0, edge.input, {.size = 11.0, .bold = true});
    }
    svg.end_group();
  }

  void draw_node(Svg& svg, const std::string& name, const Node& node) {
    const std::string head = name.substr(0, name.find('@'));
    svg.begin_group(0, 0, "graph-node", {{"node", name}, {"head", name == "logits" ? "" : head}});
    const std::string shown = visible_text(name, 16);
    const bool wide = name == "logits";
    const double width = wide ? width_ - kLeft : kNodeWidth;
    const double left = wide ? kLeft : node.x - kNodeWidth / 2.0;
    svg.rect(left, node.y - kNodeHeight / 2.0, width, kNodeHeight, {.name = "node", .title = name});
    svg.rect(left, node.y - kNodeHeight / 2.0, width, kNodeHeight,
             {.name = "axis outline", .fill = "none", .stroke = "#6e7781", .stroke_width = 1.0});
    svg.text(node.x, node.y + 4.0, shown, {.anchor = SvgAnchor::kMiddle});
    svg.end_group();
  }

  const Request& request_;
  const std::vector<CellSummary>& cells_;
  std::vector<CircuitEdge> edges_;
  std::map<std::string, Node> nodes_;
  std::map<int, int> levels_;  // of a layer
  double width_ = 0.0;
};

Drawing draw(const Request& request) { return Graph(request).draw(); }

}  // namespace

const Figure& circuit_graph() {
  static constexpr Figure kFigure = {
      .name = "circuit_graph",
      .summary = "a circuit as a graph: layers upward, edges as wide as their effects",
      .reading =
          "An edge says that the head above reads, at that position, what the head below writes, "
          "and how far patching that path alone moves the answer. Effects of edges do not add up: "
          "two paths may carry the same information, or cancel.",
      .order = 1,
      .can_show = &fits,
      .drawer = &draw};
  return kFigure;
}

}  // namespace patchbay::figures
