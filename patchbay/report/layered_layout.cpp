#include "patchbay/report/layered_layout.h"

#include <algorithm>
#include <utility>

#include "patchbay/report/layered_slots.h"

namespace patchbay {
namespace {

constexpr int kPasses = 12;
constexpr double kPortGap = 13.0;  // between edges that leave one node
constexpr double kPortMargin = 12.0;

// Where ordered slots lie, and the curves between them.
class Layout {
 public:
  Layout(const LayeredGraph& graph, const LayeredSizes& sizes, LayeredSlots made)
      : graph_(graph),
        sizes_(sizes),
        made_(std::move(made)),
        head_room_(made_.has_edges_on_top ? sizes.level - sizes.node_height : 0.0) {
    place();
    spread_ports();
  }

  [[nodiscard]] LayeredLayout result() const {
    LayeredLayout layout;
    layout.width = width_;
    layout.height = y_of(0) + sizes_.node_height / 2.0;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const LayeredNode& node = graph_.nodes[i];
      layout.nodes.push_back({node.is_bar ? width_ / 2.0 : made_.slots[made_.slot_of[i]].x,
                              y_of(made_.level_of.at(node.layer))});
    }
    for (std::size_t i = 0; i < graph_.edges.size(); ++i) layout.routes.push_back(route(i));
    return layout;
  }

 private:
  [[nodiscard]] double apart(std::size_t left, std::size_t right) const {
    const bool are_lanes = !made_.slots[left].is_node && !made_.slots[right].is_node;
    const double gap = are_lanes ? 0.0
                       : made_.slots[left].is_node && made_.slots[right].is_node
                           ? sizes_.node_gap
                           : sizes_.node_gap / 2.0;
    return (made_.slots[left].width + made_.slots[right].width) / 2.0 + gap;
  }

  // Lanes want to be straight more than nodes want to be above each other.
  [[nodiscard]] double weight_of(const LayeredPiece& piece) const {
    const int lanes =
        (made_.slots[piece.low].is_node ? 0 : 1) + (made_.slots[piece.high].is_node ? 0 : 1);
    return lanes == 2 ? 8.0 : lanes == 1 ? 2.0 : 1.0;
  }

  // Where a slot's neighbours would have it, and how much they care.
  [[nodiscard]] std::pair<double, double> wish(std::size_t slot, bool of_below,
                                               bool of_above) const {
    double sum = 0.0;
    double weight = 0.0;
    const auto add = [&](double x, double w) {
      sum += w * x;
      weight += w;
    };
    if (of_below) {
      for (const std::size_t i : made_.below[slot]) {
        add(made_.slots[made_.pieces[i].low].x + made_.pieces[i].low_port -
                made_.pieces[i].high_port,
            weight_of(made_.pieces[i]));
      }
    }
    if (of_above) {
      for (const std::size_t i : made_.above[slot]) {
        add(made_.slots[made_.pieces[i].high].x + made_.pieces[i].high_port -
                made_.pieces[i].low_port,
            weight_of(made_.pieces[i]));
      }
    }
    return weight > 0.0 ? std::pair(sum / weight, weight) : std::pair(made_.slots[slot].x, 0.01);
  }

  // As near to the wishes as order and room allow: least squares by pooling adjacent violators
  // (R. E. Barlow et al., 1972), of places less the room that those to the left need.
  void place_level(std::size_t level, bool of_below, bool of_above) {
    struct Block {
      double mean;
      double weight;
      std::size_t count;
    };
    std::vector<Block> blocks;
    std::vector<double> needed;
    const auto& slots = made_.levels[level];
    for (std::size_t i = 0; i < slots.size(); ++i) {
      needed.push_back(i == 0 ? 0.0 : needed.back() + apart(slots[i - 1], slots[i]));
      const auto [x, weight] = wish(slots[i], of_below, of_above);
      blocks.push_back({x - needed.back(), weight, 1});
      while (blocks.size() > 1 && blocks[blocks.size() - 2].mean > blocks.back().mean) {
        const Block last = blocks.back();
        blocks.pop_back();
        Block& block = blocks.back();
        const double both = block.weight + last.weight;
        block.mean = (block.mean * block.weight + last.mean * last.weight) / both;
        block.weight = both;
        block.count += last.count;
      }
    }
    std::size_t i = 0;
    for (const Block& block : blocks) {
      for (std::size_t n = 0; n < block.count; ++n, ++i)
        made_.slots[slots[i]].x = block.mean + needed[i];
    }
  }

  void place() {
    for (const auto& slots : made_.levels) {
      double x = 0.0;
      for (std::size_t i = 0; i < slots.size(); ++i) {
        if (i > 0) x += apart(slots[i - 1], slots[i]);
        made_.slots[slots[i]].x = x;
      }
      for (const std::size_t slot : slots) made_.slots[slot].x -= x / 2.0;
    }
    for (int pass = 0; pass < kPasses; ++pass) {
      const bool is_down = pass % 2 == 0;
      const bool is_last = pass + 2 >= kPasses;
      for (std::size_t step = 0; step < made_.levels.size(); ++step) {
        place_level(is_down ? made_.levels.size() - 1 - step : step, !is_down || is_last,
                    is_down || is_last);
      }
    }
    double least = 0.0;
    double most = 0.0;
    for (std::size_t i = 0; i < made_.slots.size(); ++i) {
      const double half = made_.slots[i].width / 2.0;
      least = i == 0 ? made_.slots[i].x - half : std::min(least, made_.slots[i].x - half);
      most = i == 0 ? made_.slots[i].x + half : std::max(most, made_.slots[i].x + half);
    }
    for (LayeredSlot& slot : made_.slots) slot.x -= least;
    width_ = most - least;
    for (const LayeredNode& node : graph_.nodes) {
      if (node.is_bar) width_ = std::max(width_, node.width);
    }
  }

  // Edges leave a node beside each other, in the order of where they go.
  void spread_ports() {
    for (std::size_t slot = 0; slot < made_.slots.size(); ++slot) {
      if (!made_.slots[slot].is_node) continue;
      std::vector<std::size_t> leaving = made_.above[slot];
      std::ranges::stable_sort(leaving, {}, [&](std::size_t i) {
        return made_.slots[made_.pieces[i].high].x + made_.pieces[i].high_port;
      });
      const double room = std::max(made_.slots[slot].width - 2.0 * kPortMargin, 0.0);
      const auto n = static_cast<double>(leaving.size());
      const double gap = n > 1.0 ? std::min(kPortGap, room / (n - 1.0)) : 0.0;
      for (std::size_t i = 0; i < leaving.size(); ++i) {
        made_.pieces[leaving[i]].low_port = gap * (static_cast<double>(i) - (n - 1.0) / 2.0);
      }
    }
  }

  [[nodiscard]] double y_of(std::size_t level) const {
    return head_room_ + sizes_.node_height / 2.0 +
           sizes_.level * static_cast<double>(made_.levels.size() - 1 - level);
  }

  // Both ends and what pulls lie between the layers, so the curve does too.
  static LayeredCurve curve(LayeredPoint from, LayeredPoint to) {
    const double bend = (from.y - to.y) * 0.5;
    return {from, {from.x, from.y - bend}, {to.x, to.y + bend}, to};
  }

  [[nodiscard]] std::vector<LayeredCurve> route(std::size_t index) const {
    const LayeredEdge& edge = graph_.edges[index];
    const double half = sizes_.node_height / 2.0;
    if (made_.chains[index].empty()) return {beside(edge)};
    std::vector<LayeredCurve> curves;
    for (const std::size_t i : made_.chains[index]) {
      const LayeredPiece& piece = made_.pieces[i];
      const std::size_t level = made_.slots[piece.low].level;
      const LayeredPoint from = {made_.slots[piece.low].x + piece.low_port, y_of(level) - half};
      const LayeredPoint to = {made_.slots[piece.high].x + piece.high_port, y_of(level + 1) + half};
      if (!curves.empty()) curves.push_back(curve(curves.back()[3], from));
      curves.push_back(curve(from, to));
    }
    if (made_.level_of.at(graph_.nodes[edge.from].layer) >
        made_.level_of.at(graph_.nodes[edge.to].layer)) {
      std::ranges::reverse(curves);
      for (LayeredCurve& one : curves) std::ranges::reverse(one);
    }
    return curves;
  }

  // Between two nodes of one layer: up from one and down to the other.
  [[nodiscard]] LayeredCurve beside(const LayeredEdge& edge) const {
    const auto top = [&](std::size_t node, double port) -> LayeredPoint {
      const LayeredNode& of = graph_.nodes[node];
      const double x = of.is_bar ? width_ / 2.0 : made_.slots[made_.slot_of[node]].x;
      return {x + port, y_of(made_.level_of.at(of.layer)) - sizes_.node_height / 2.0};
    };
    const LayeredPoint from = top(edge.from, 0.0);
    const LayeredPoint to = top(edge.to, edge.port);
    const double rise = 0.5 * (sizes_.level - sizes_.node_height);
    return {from, {from.x, from.y - rise}, {to.x, to.y - rise}, to};
  }

  const LayeredGraph& graph_;
  const LayeredSizes& sizes_;
  LayeredSlots made_;
  double width_ = 0.0;
  double head_room_;  // above the highest layer, for edges within it
};

}  // namespace

LayeredLayout layered_layout(const LayeredGraph& graph, const LayeredSizes& sizes) {
  LayeredSlots slots = layered_slots(graph, sizes);
  order_slots(slots);
  return Layout(graph, sizes, std::move(slots)).result();
}

}  // namespace patchbay
