#include "patchbay/report/layered_slots.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "patchbay/base/error.h"

namespace patchbay {
namespace {

void need(bool holds, const std::string& what) {
  if (!holds) throw Error(ErrorKind::kUsage, "layered_layout", what);
}

void check(const LayeredGraph& graph, const LayeredSizes& sizes) {
  for (const double length : {sizes.node_height, sizes.level, sizes.node_gap, sizes.lane_width}) {
    need(length > 0.0, fmt::format("a length is {}; make it positive", length));
  }
  need(!graph.nodes.empty(), "there are no nodes; give one at least");
  need(sizes.level > sizes.node_height,
       fmt::format("layers lie {} apart, but boxes are {} high; leave room for edges", sizes.level,
                   sizes.node_height));
  std::map<int, std::size_t> in_layer;
  for (const LayeredNode& node : graph.nodes) {
    ++in_layer[node.layer];
    need(node.width > 0.0 || node.is_bar,
         fmt::format("a node is {} wide; make it positive", node.width));
  }
  for (const LayeredNode& node : graph.nodes) {
    need(!node.is_bar || in_layer[node.layer] == 1,
         fmt::format("layer {} has a bar and other nodes; a bar is alone", node.layer));
  }
  for (const LayeredEdge& edge : graph.edges) {
    need(std::max(edge.from, edge.to) < graph.nodes.size(),
         fmt::format("there is an edge from node {} to node {} of {}", edge.from, edge.to,
                     graph.nodes.size()));
  }
}

class Maker {
 public:
  Maker(const LayeredGraph& graph, const LayeredSizes& sizes) : graph_(graph), sizes_(sizes) {}

  LayeredSlots slots() && {
    std::set<int> layers;
    for (const LayeredNode& node : graph_.nodes) layers.insert(node.layer);
    for (const int layer : layers) made_.level_of.emplace(layer, made_.level_of.size());
    made_.levels.resize(layers.size());
    make_slots();
    for (const LayeredEdge& edge : graph_.edges) make_chain(edge);
    made_.below.resize(made_.slots.size());
    made_.above.resize(made_.slots.size());
    for (std::size_t i = 0; i < made_.pieces.size(); ++i) {
      made_.above[made_.pieces[i].low].push_back(i);
      made_.below[made_.pieces[i].high].push_back(i);
    }
    return std::move(made_);
  }

 private:
  std::size_t add_slot(std::size_t level, double width, bool is_node) {
    made_.slots.push_back({level, width, is_node});
    made_.levels[level].push_back(made_.slots.size() - 1);
    return made_.slots.size() - 1;
  }

  void make_slots() {
    for (const LayeredNode& node : graph_.nodes) {
      // Edges at a bar have places there of their own.
      made_.slot_of.push_back(node.is_bar ? 0
                                          : add_slot(made_.level_of[node.layer], node.width, true));
    }
  }

  // The pieces of an edge from its lower to its upper end; none where both are on one level.
  void make_chain(const LayeredEdge& edge) {
    const auto level = [&](std::size_t node) { return made_.level_of[graph_.nodes[node].layer]; };
    const bool is_up = level(edge.from) <= level(edge.to);
    const auto [low, high] = is_up ? std::pair(edge.from, edge.to) : std::pair(edge.to, edge.from);
    made_.chains.emplace_back();
    if (level(low) == level(high)) {
      if (level(low) + 1 == made_.levels.size()) made_.has_edges_on_top = true;
      return;
    }
    const auto end_at = [&](std::size_t node) {
      return graph_.nodes[node].is_bar ? add_slot(level(node), sizes_.lane_width, false)
                                       : made_.slot_of[node];
    };
    std::size_t slot = end_at(low);
    for (std::size_t l = level(low) + 1; l <= level(high); ++l) {
      const bool is_last = l == level(high);
      const std::size_t next = is_last ? end_at(high) : add_slot(l, sizes_.lane_width, false);
      const bool is_first = l == level(low) + 1;
      const double low_port = is_first && !is_up && made_.slots[slot].is_node ? edge.port : 0.0;
      const double high_port = is_last && is_up && made_.slots[next].is_node ? edge.port : 0.0;
      made_.chains.back().push_back(made_.pieces.size());
      made_.pieces.push_back({slot, next, low_port, high_port});
      slot = next;
    }
  }

  const LayeredGraph& graph_;
  const LayeredSizes& sizes_;
  LayeredSlots made_;
};

}  // namespace

LayeredSlots layered_slots(const LayeredGraph& graph, const LayeredSizes& sizes) {
  check(graph, sizes);
  return Maker(graph, sizes).slots();
}

}  // namespace patchbay
