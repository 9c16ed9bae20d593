#include "patchbay/report/layered_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include "patchbay/base/error.h"
#include "patchbay/base/stop_check.h"

namespace patchbay {
namespace {

constexpr int kSweeps = 24;
constexpr int kPasses = 12;
constexpr double kPortGap = 13.0;  // between edges that leave one node
constexpr double kPortMargin = 12.0;

// What has a place in a layer: a node, an edge that passes, or the end of an edge at a bar.
struct Slot {
  std::size_t level = 0;
  double width = 0.0;
  bool is_node = false;
  double x = 0.0;
};

// A piece of an edge, from a slot to one of the next level.
struct Piece {
  std::size_t low;
  std::size_t high;
  double low_port;  // from the middle of the slot
  double high_port;
};

// How many pairs of these cross: inversions of the second number in the order of both.
std::int64_t crossings(std::vector<std::pair<double, double>> ends) {
  std::ranges::sort(ends);
  std::vector<double> high;
  for (const auto& [low, top] : ends) high.push_back(top);
  std::vector<double> merged(high.size());
  std::int64_t count = 0;
  for (std::size_t half = 1; half < high.size(); half *= 2) {
    for (std::size_t begin = 0; begin < high.size(); begin += 2 * half) {
      const std::size_t middle = std::min(begin + half, high.size());
      const std::size_t end = std::min(begin + 2 * half, high.size());
      std::size_t left = begin;
      std::size_t right = middle;
      for (std::size_t out = begin; out < end; ++out) {
        if (right < end && (left == middle || high[right] < high[left])) {
          count += static_cast<std::int64_t>(middle - left);
          merged[out] = high[right++];
        } else {
          merged[out] = high[left++];
        }
      }
    }
    std::swap(high, merged);
  }
  return count;
}

class Layout {
 public:
  Layout(const LayeredGraph& graph, const LayeredSizes& sizes) : graph_(graph), sizes_(sizes) {
    check();
    make_slots();
    for (const LayeredEdge& edge : graph_.edges) make_chain(edge);
    below_.resize(slots_.size());
    above_.resize(slots_.size());
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      above_[pieces_[i].low].push_back(i);
      below_[pieces_[i].high].push_back(i);
    }
    order();
    place();
    spread_ports();
  }

  [[nodiscard]] LayeredLayout result() const {
    LayeredLayout layout;
    layout.width = width_;
    layout.height = y_of(0) + sizes_.node_height / 2.0;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const LayeredNode& node = graph_.nodes[i];
      layout.nodes.push_back(
          {node.is_bar ? width_ / 2.0 : slots_[slot_of_[i]].x, y_of(level_of_.at(node.layer))});
    }
    for (std::size_t i = 0; i < graph_.edges.size(); ++i) layout.routes.push_back(route(i));
    return layout;
  }

 private:
  static void need(bool holds, const std::string& what) {
    if (!holds) throw Error(ErrorKind::kUsage, "layered_layout", what);
  }

  void check() {
    for (const double length :
         {sizes_.node_height, sizes_.level, sizes_.node_gap, sizes_.lane_width}) {
      need(length > 0.0, fmt::format("a length is {}; make it positive", length));
    }
    need(!graph_.nodes.empty(), "there are no nodes; give one at least");
    need(sizes_.level > sizes_.node_height,
         fmt::format("layers lie {} apart, but boxes are {} high; leave room for edges",
                     sizes_.level, sizes_.node_height));
    std::map<int, std::size_t> in_layer;
    for (const LayeredNode& node : graph_.nodes) {
      ++in_layer[node.layer];
      need(node.width > 0.0 || node.is_bar,
           fmt::format("a node is {} wide; make it positive", node.width));
    }
    for (const LayeredNode& node : graph_.nodes) {
      need(!node.is_bar || in_layer[node.layer] == 1,
           fmt::format("layer {} has a bar and other nodes; a bar is alone", node.layer));
    }
    for (const LayeredEdge& edge : graph_.edges) {
      need(std::max(edge.from, edge.to) < graph_.nodes.size(),
           fmt::format("there is an edge from node {} to node {} of {}", edge.from, edge.to,
                       graph_.nodes.size()));
    }
    for (const auto& [layer, count] : in_layer) level_of_.emplace(layer, level_of_.size());
    levels_.resize(level_of_.size());
  }

  std::size_t add_slot(std::size_t level, double width, bool is_node) {
    slots_.push_back({level, width, is_node});
    levels_[level].push_back(slots_.size() - 1);
    return slots_.size() - 1;
  }

  void make_slots() {
    for (const LayeredNode& node : graph_.nodes) {
      // Edges at a bar have places there of their own.
      slot_of_.push_back(node.is_bar ? 0 : add_slot(level_of_[node.layer], node.width, true));
    }
  }

  // The pieces of an edge from its lower to its upper end; none where both are on one level.
  void make_chain(const LayeredEdge& edge) {
    const auto level = [&](std::size_t node) { return level_of_[graph_.nodes[node].layer]; };
    const bool is_up = level(edge.from) <= level(edge.to);
    const auto [low, high] = is_up ? std::pair(edge.from, edge.to) : std::pair(edge.to, edge.from);
    chains_.emplace_back();
    if (level(low) == level(high)) {
      if (level(low) + 1 == levels_.size()) head_room_ = sizes_.level - sizes_.node_height;
      return;
    }
    const auto end_at = [&](std::size_t node) {
      return graph_.nodes[node].is_bar ? add_slot(level(node), sizes_.lane_width, false)
                                       : slot_of_[node];
    };
    std::size_t slot = end_at(low);
    for (std::size_t l = level(low) + 1; l <= level(high); ++l) {
      const bool is_last = l == level(high);
      const std::size_t next = is_last ? end_at(high) : add_slot(l, sizes_.lane_width, false);
      const bool is_first = l == level(low) + 1;
      const double low_port = is_first && !is_up && slots_[slot].is_node ? edge.port : 0.0;
      const double high_port = is_last && is_up && slots_[next].is_node ? edge.port : 0.0;
      chains_.back().push_back(pieces_.size());
      pieces_.push_back({slot, next, low_port, high_port});
      slot = next;
    }
  }

  // The place of an end within its layer's order, 0 … n; ports count within a slot.
  [[nodiscard]] double rank_of(std::size_t slot, double port) const {
    return static_cast<double>(rank_[slot]) + 0.4 * port / std::max(slots_[slot].width, 1.0);
  }

  void rank(std::size_t level) {
    for (std::size_t i = 0; i < levels_[level].size(); ++i) rank_[levels_[level][i]] = i;
  }

  [[nodiscard]] std::int64_t crossings_above(std::size_t level) const {
    std::vector<std::pair<double, double>> ends;
    for (const std::size_t slot : levels_[level]) {
      for (const std::size_t i : above_[slot]) {
        ends.emplace_back(rank_of(slot, 0.0), rank_of(pieces_[i].high, pieces_[i].high_port));
      }
    }
    return crossings(std::move(ends));
  }

  [[nodiscard]] std::int64_t all_crossings() const {
    std::int64_t count = 0;
    for (std::size_t level = 0; level + 1 < levels_.size(); ++level) {
      count += crossings_above(level);
    }
    return count;
  }

  // Sorts a layer by the mean rank of the neighbours above or below; who has none stays.
  void sort_level(std::size_t level, bool by_above) {
    std::vector<std::pair<double, std::size_t>> keyed;
    for (const std::size_t slot : levels_[level]) {
      const auto& pieces = by_above ? above_[slot] : below_[slot];
      double sum = 0.0;
      for (const std::size_t i : pieces) {
        sum += by_above ? rank_of(pieces_[i].high, pieces_[i].high_port)
                        : rank_of(pieces_[i].low, pieces_[i].low_port);
      }
      const double count = static_cast<double>(pieces.size());
      keyed.emplace_back(pieces.empty() ? static_cast<double>(rank_[slot]) : sum / count, slot);
    }
    std::ranges::stable_sort(keyed, {}, &std::pair<double, std::size_t>::first);
    for (std::size_t i = 0; i < keyed.size(); ++i) levels_[level][i] = keyed[i].second;
    rank(level);
  }

  // Swaps neighbours of a layer while that makes fewer edges cross.
  bool swap_neighbours(std::size_t level) {
    bool is_better = false;
    auto& slots = levels_[level];
    for (std::size_t i = 0; i + 1 < slots.size(); ++i) {
      const auto around = [&] {
        std::int64_t count = 0;
        for (const bool is_above : {true, false}) {
          std::vector<std::pair<double, double>> ends;
          for (const std::size_t slot : {slots[i], slots[i + 1]}) {
            for (const std::size_t p : is_above ? above_[slot] : below_[slot]) {
              ends.emplace_back(rank_of(slot, is_above ? 0.0 : pieces_[p].high_port),
                                is_above ? rank_of(pieces_[p].high, pieces_[p].high_port)
                                         : rank_of(pieces_[p].low, 0.0));
            }
          }
          count += crossings(std::move(ends));
        }
        return count;
      };
      const std::int64_t before = around();
      std::swap(slots[i], slots[i + 1]);
      std::swap(rank_[slots[i]], rank_[slots[i + 1]]);
      if (around() < before) {
        is_better = true;
      } else {
        std::swap(slots[i], slots[i + 1]);
        std::swap(rank_[slots[i]], rank_[slots[i + 1]]);
      }
    }
    return is_better;
  }

  // The best order that the sweeps meet.
  void order() {
    rank_.resize(slots_.size());
    for (std::size_t level = 0; level < levels_.size(); ++level) rank(level);
    auto best = levels_;
    std::int64_t fewest = all_crossings();
    for (int sweep = 0; sweep < kSweeps && fewest > 0; ++sweep) {
      stop_check();
      const bool is_down = sweep % 2 == 0;
      for (std::size_t step = 1; step < levels_.size(); ++step) {
        sort_level(is_down ? levels_.size() - 1 - step : step, is_down);
      }
      for (int round = 0; round < 8; ++round) {
        bool is_better = false;
        for (std::size_t level = 0; level < levels_.size(); ++level) {
          is_better = swap_neighbours(level) || is_better;
        }
        if (!is_better) break;
      }
      if (const std::int64_t count = all_crossings(); count < fewest) {
        fewest = count;
        best = levels_;
      }
    }
    levels_ = std::move(best);
    for (std::size_t level = 0; level < levels_.size(); ++level) rank(level);
  }

  [[nodiscard]] double apart(std::size_t left, std::size_t right) const {
    const bool are_lanes = !slots_[left].is_node && !slots_[right].is_node;
    const double gap = are_lanes                                       ? 0.0
                       : slots_[left].is_node && slots_[right].is_node ? sizes_.node_gap
                                                                       : sizes_.node_gap / 2.0;
    return (slots_[left].width + slots_[right].width) / 2.0 + gap;
  }

  // Lanes want to be straight more than nodes want to be above each other.
  [[nodiscard]] double weight_of(const Piece& piece) const {
    const int lanes = (slots_[piece.low].is_node ? 0 : 1) + (slots_[piece.high].is_node ? 0 : 1);
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
      for (const std::size_t i : below_[slot]) {
        add(slots_[pieces_[i].low].x + pieces_[i].low_port - pieces_[i].high_port,
            weight_of(pieces_[i]));
      }
    }
    if (of_above) {
      for (const std::size_t i : above_[slot]) {
        add(slots_[pieces_[i].high].x + pieces_[i].high_port - pieces_[i].low_port,
            weight_of(pieces_[i]));
      }
    }
    return weight > 0.0 ? std::pair(sum / weight, weight) : std::pair(slots_[slot].x, 0.01);
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
    const auto& slots = levels_[level];
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
        slots_[slots[i]].x = block.mean + needed[i];
    }
  }

  void place() {
    for (const auto& slots : levels_) {
      double x = 0.0;
      for (std::size_t i = 0; i < slots.size(); ++i) {
        if (i > 0) x += apart(slots[i - 1], slots[i]);
        slots_[slots[i]].x = x;
      }
      for (const std::size_t slot : slots) slots_[slot].x -= x / 2.0;
    }
    for (int pass = 0; pass < kPasses; ++pass) {
      const bool is_down = pass % 2 == 0;
      const bool is_last = pass + 2 >= kPasses;
      for (std::size_t step = 0; step < levels_.size(); ++step) {
        place_level(is_down ? levels_.size() - 1 - step : step, !is_down || is_last,
                    is_down || is_last);
      }
    }
    double least = 0.0;
    double most = 0.0;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      const double half = slots_[i].width / 2.0;
      least = i == 0 ? slots_[i].x - half : std::min(least, slots_[i].x - half);
      most = i == 0 ? slots_[i].x + half : std::max(most, slots_[i].x + half);
    }
    for (Slot& slot : slots_) slot.x -= least;
    width_ = most - least;
    for (const LayeredNode& node : graph_.nodes) {
      if (node.is_bar) width_ = std::max(width_, node.width);
    }
  }

  // Edges leave a node beside each other, in the order of where they go.
  void spread_ports() {
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
      if (!slots_[slot].is_node) continue;
      std::vector<std::size_t> leaving = above_[slot];
      std::ranges::stable_sort(leaving, {}, [&](std::size_t i) {
        return slots_[pieces_[i].high].x + pieces_[i].high_port;
      });
      const double room = std::max(slots_[slot].width - 2.0 * kPortMargin, 0.0);
      const auto n = static_cast<double>(leaving.size());
      const double gap = n > 1.0 ? std::min(kPortGap, room / (n - 1.0)) : 0.0;
      for (std::size_t i = 0; i < leaving.size(); ++i) {
        pieces_[leaving[i]].low_port = gap * (static_cast<double>(i) - (n - 1.0) / 2.0);
      }
    }
  }

  [[nodiscard]] double y_of(std::size_t level) const {
    return head_room_ + sizes_.node_height / 2.0 +
           sizes_.level * static_cast<double>(levels_.size() - 1 - level);
  }

  // Both ends and what pulls lie between the layers, so the curve does too.
  static LayeredCurve curve(LayeredPoint from, LayeredPoint to) {
    const double bend = (from.y - to.y) * 0.5;
    return {from, {from.x, from.y - bend}, {to.x, to.y + bend}, to};
  }

  [[nodiscard]] std::vector<LayeredCurve> route(std::size_t index) const {
    const LayeredEdge& edge = graph_.edges[index];
    const double half = sizes_.node_height / 2.0;
    if (chains_[index].empty()) return {beside(edge)};
    std::vector<LayeredCurve> curves;
    for (const std::size_t i : chains_[index]) {
      const Piece& piece = pieces_[i];
      const std::size_t level = slots_[piece.low].level;
      const LayeredPoint from = {slots_[piece.low].x + piece.low_port, y_of(level) - half};
      const LayeredPoint to = {slots_[piece.high].x + piece.high_port, y_of(level + 1) + half};
      if (!curves.empty()) curves.push_back(curve(curves.back()[3], from));
      curves.push_back(curve(from, to));
    }
    if (level_of_.at(graph_.nodes[edge.from].layer) > level_of_.at(graph_.nodes[edge.to].layer)) {
      std::ranges::reverse(curves);
      for (LayeredCurve& one : curves) std::ranges::reverse(one);
    }
    return curves;
  }

  // Between two nodes of one layer: up from one and down to the other.
  [[nodiscard]] LayeredCurve beside(const LayeredEdge& edge) const {
    const auto top = [&](std::size_t node, double port) -> LayeredPoint {
      const LayeredNode& of = graph_.nodes[node];
      const double x = of.is_bar ? width_ / 2.0 : slots_[slot_of_[node]].x;
      return {x + port, y_of(level_of_.at(of.layer)) - sizes_.node_height / 2.0};
    };
    const LayeredPoint from = top(edge.from, 0.0);
    const LayeredPoint to = top(edge.to, edge.port);
    const double rise = 0.5 * (sizes_.level - sizes_.node_height);
    return {from, {from.x, from.y - rise}, {to.x, to.y - rise}, to};
  }

  const LayeredGraph& graph_;
  const LayeredSizes& sizes_;
  std::map<int, std::size_t> level_of_;  // of a layer
  std::vector<Slot> slots_;
  std::vector<std::size_t> slot_of_;              // of a node
  std::vector<std::vector<std::size_t>> levels_;  // slots from left to right, the lowest first
  std::vector<Piece> pieces_;
  std::vector<std::vector<std::size_t>> chains_;  // the pieces of an edge, the lowest first
  std::vector<std::vector<std::size_t>> below_;   // pieces that arrive at a slot
  std::vector<std::vector<std::size_t>> above_;   // pieces that leave it
  std::vector<std::size_t> rank_;                 // of a slot within its layer
  double width_ = 0.0;
  double head_room_ = 0.0;  // above the highest layer, for edges within it
};

}  // namespace

LayeredLayout layered_layout(const LayeredGraph& graph, const LayeredSizes& sizes) {
  return Layout(graph, sizes).result();
}

}  // namespace patchbay
