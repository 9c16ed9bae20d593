// A circuit as a graph: layers upward, the logits on top, an edge as wide as its effect.
#include "patchbay/results/circuit_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "patchbay/base/visible_text.h"
#include "patchbay/report/caption.h"
#include "patchbay/report/figure.h"
#include "patchbay/report/layered_layout.h"

namespace patchbay::figures {

const Figure& circuit_graph();

namespace {

constexpr double kNodeHeight = 38.0;
constexpr double kNodeMargin = 10.0;  // of a name, to both sides
constexpr double kLeastNode = 84.0;
constexpr double kLeft = 66.0;
constexpr double kTop = 4.0;
constexpr double kWidestEdge = 9.0;
constexpr std::size_t kLongestName = 16;
constexpr std::string_view kLogits = "logits";

bool fits(const EffectTable& table) {
  return !table.axes.empty() && table.axes.front().name == "edge" && table.axes.size() == 2;
}

class Graph {
 public:
  explicit Graph(const Request& request)
      : request_(request), cells_(cells_of(request)), edges_(edges_of(request.table)) {
    find_nodes();
    place();
  }

  Drawing draw() {
    Svg svg;
    for (const auto& [layer, y] : layers_) {
      svg.text(0, y + 4.0, layer == kLogitsLayer ? kLogits : fmt::format("layer {}", layer),
               {.name = "muted", .size = 11.0});
    }
    double largest = 0.0;
    for (const CellSummary& cell : cells_) {
      if (std::isfinite(cell.value)) largest = std::max(largest, std::abs(cell.value));
    }
    for (std::size_t i = 0; i < edges_.size(); ++i) draw_edge(svg, i, largest);
    for (std::size_t i = 0; i < names_.size(); ++i) draw_node(svg, i);
    const double width = kLeft + layout_.width;
    double y = kTop + layout_.height + 26.0;
    for (const std::string& line : wrapped(
             fmt::format("edge width: |{}|, at most {}; red positive, blue negative; q, k, v: the "
                         "input that reads; head@position: where it is read",
                         name_of(request_.effect), effect_text(largest, request_.effect, false)),
             std::max(width, 540.0), 11.0)) {
      svg.text(0, y, line, {.name = "muted", .size = 11.0});
      y += 15.0;
    }
    return framed(request_, svg, width, y);
  }

 private:
  static constexpr int kLogitsLayer = 1 << 20;

  void find_nodes() {
    std::map<std::string, std::size_t> index;
    const auto add = [&](const std::string& name) {
      const auto [at, is_new] = index.try_emplace(name, names_.size());
      if (is_new) names_.push_back(name);
      return at->second;
    };
    for (const CircuitEdge& edge : edges_) {
      const std::size_t from = add(edge.sender);
      graph_.edges.push_back({.from = from, .to = add(edge.receiver), .port = 0.0});
    }
    double widest = kLeastNode;
    for (const std::string& name : names_) {
      widest = std::max(widest, text_width(shown(name)) + 2.0 * kNodeMargin);
    }
    port_ = std::round(widest / 3.0);
    for (const std::string& name : names_) {
      const bool is_logits = name == kLogits;
      graph_.nodes.push_back({.layer = is_logits ? kLogitsLayer : layer_of_node(name),
                              .width = widest,
                              .is_bar = is_logits});
    }
    for (std::size_t i = 0; i < edges_.size(); ++i) graph_.edges[i].port = port_of(edges_[i].input);
  }

  // Queries, keys and values arrive beside each other, each at its letter.
  [[nodiscard]] double port_of(std::string_view input) const {
    return input == "q" ? -port_ : input == "v" ? port_ : 0.0;
  }

  void place() {
    // The more edges there are, the more air they need to be told apart.
    const double air = std::min(2.0 * static_cast<double>(edges_.size()), 50.0);
    layout_ = layered_layout(graph_, {.node_height = kNodeHeight,
                                      .level = kNodeHeight + 50.0 + air,
                                      .node_gap = 24.0,
                                      .lane_width = kWidestEdge + 7.0});
    for (std::size_t i = 0; i < names_.size(); ++i) {
      layers_.emplace(graph_.nodes[i].layer, kTop + layout_.nodes[i].y);
    }
  }

  void draw_edge(Svg& svg, std::size_t index, double largest) {
    const CircuitEdge& edge = edges_[index];
    const double effect = cells_[index].value;
    const double share = largest > 0.0 && std::isfinite(effect) ? std::abs(effect) / largest : 0.0;
    std::string path;
    const auto point = [](const LayeredPoint& at) {
      return fmt::format("{} {}", svg_number(kLeft + at.x), svg_number(kTop + at.y));
    };
    for (const LayeredCurve& curve : layout_.routes[index]) {
      if (path.empty()) path = "M" + point(curve[0]);
      path += curve[0].x == curve[3].x
                  ? "L" + point(curve[3])
                  : fmt::format("C{} {} {}", point(curve[1]), point(curve[2]), point(curve[3]));
    }
    svg.begin_group(0, 0, "edge",
                    {{"cell", std::to_string(index)},
                     {"from", edge.sender},
                     {"to", edge.receiver},
                     {"share", svg_number(100.0 * share)}});
    svg.path(path, {.name = "cell",
                    .stroke = effect < 0.0 ? "#4393c3" : "#d6604d",
                    .stroke_width = 1.0 + (kWidestEdge - 1.0) * share,
                    .title = cell_sentence(request_, index),
                    .data = {{"cell", std::to_string(index)}}});
    svg.end_group();
  }

  // The letters of its inputs stand in a node, where no edge comes.
  void draw_node(Svg& svg, std::size_t index) {
    const std::string& name = names_[index];
    const bool is_bar = graph_.nodes[index].is_bar;
    const double width = is_bar ? layout_.width : graph_.nodes[index].width;
    const double middle = kLeft + layout_.nodes[index].x;
    const double top = kTop + layout_.nodes[index].y - kNodeHeight / 2.0;
    svg.begin_group(0, 0, "graph-node",
                    {{"node", name}, {"head", is_bar ? "" : name.substr(0, name.find('@'))}});
    svg.rect(middle - width / 2.0, top, width, kNodeHeight, {.name = "node", .title = name});
    svg.rect(middle - width / 2.0, top, width, kNodeHeight,
             {.name = "axis outline", .fill = "none", .stroke = "#6e7781", .stroke_width = 1.0});
    std::set<std::string> inputs;
    for (const CircuitEdge& edge : edges_) {
      if (edge.receiver == name && !edge.input.empty()) inputs.insert(edge.input);
    }
    svg.text(middle, top + (inputs.empty() ? 23.0 : 16.0), shown(name),
             {.anchor = SvgAnchor::kMiddle});
    for (const std::string& input : inputs) {
      svg.text(middle + port_of(input), top + kNodeHeight - 6.0, input,
               {.size = 11.0, .anchor = SvgAnchor::kMiddle, .bold = true});
    }
    svg.end_group();
  }

  static std::string shown(const std::string& name) { return visible_text(name, kLongestName); }

  const Request& request_;
  const std::vector<CellSummary>& cells_;
  std::vector<CircuitEdge> edges_;
  std::vector<std::string> names_;  // of nodes
  LayeredGraph graph_;
  LayeredLayout layout_;
  std::map<int, double> layers_;  // the heights of their middles
  double port_ = 0.0;             // from a node's middle to the ports of q and v
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
