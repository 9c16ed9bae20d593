// A graph in layers as slots: what has a place in each layer, and in which order.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "patchbay/report/layered_layout.h"

namespace patchbay {

/// What has a place in a layer: a node, an edge that passes, or the end of an edge at a bar.
struct LayeredSlot {
  std::size_t level = 0;  ///< of the layers that have nodes, the lowest is 0
  double width = 0.0;
  bool is_node = false;
  double x = 0.0;  ///< of its middle
};

/// A piece of an edge, from a slot to one of the next level.
struct LayeredPiece {
  std::size_t low;
  std::size_t high;
  double low_port;  ///< from the middle of the slot
  double high_port;
};

struct LayeredSlots {
  std::map<int, std::size_t> level_of;  ///< of a layer
  std::vector<LayeredSlot> slots;
  std::vector<std::size_t> slot_of;              ///< of a node
  std::vector<std::vector<std::size_t>> levels;  ///< slots from left to right, the lowest first
  std::vector<LayeredPiece> pieces;
  std::vector<std::vector<std::size_t>> chains;  ///< the pieces of an edge, the lowest first
  std::vector<std::vector<std::size_t>> below;   ///< pieces that arrive at a slot
  std::vector<std::vector<std::size_t>> above;   ///< pieces that leave it
  bool has_edges_on_top = false;                 ///< within the highest layer
};

/// The slots of a graph, in the order in which nodes and edges come. Throws as layered_layout.
LayeredSlots layered_slots(const LayeredGraph& graph, const LayeredSizes& sizes);

/// Orders the slots of every level so that few edges cross: the best order that sweeps by
/// barycentres and swaps of neighbours meet. Throws kInterrupted when the program is to stop.
void order_slots(LayeredSlots& slots);

}  // namespace patchbay
