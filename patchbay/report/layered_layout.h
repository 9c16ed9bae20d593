// Where the nodes and edges of a graph in layers lie, so that no edge passes behind a node that it
// does not touch.
//
// Method: K. Sugiyama, S. Tagawa, M. Toda, "Methods for visual understanding of hierarchical system
// structures" (1981): an edge over several layers gets a place of its own in each of them, orders
// within layers follow barycentres, and places are as near to their neighbours' as the order lets.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace patchbay {

struct LayeredNode {
  int layer = 0;        ///< greater ones are higher; those that no node has take no room
  double width = 0.0;   ///< of its box
  bool is_bar = false;  ///< as wide as the picture, and alone on its layer: edges go straight up
};

/// Edges go upwards as a rule; others are drawn too.
struct LayeredEdge {
  std::size_t from = 0;
  std::size_t to = 0;
  double port = 0.0;  ///< where it arrives, from the middle of its node's side
};

struct LayeredGraph {
  std::vector<LayeredNode> nodes;
  std::vector<LayeredEdge> edges;
};

/// Lengths in pixels, all positive.
struct LayeredSizes {
  double node_height = 38.0;
  double level = 104.0;      ///< from one layer to the next
  double node_gap = 24.0;    ///< between boxes of one layer
  double lane_width = 16.0;  ///< what an edge needs that passes a layer
};

struct LayeredPoint {
  double x = 0.0;
  double y = 0.0;
};

/// A cubic curve by its four points: where it begins, two that pull it, where it ends.
using LayeredCurve = std::array<LayeredPoint, 4>;

/// From (0, 0) to (width, height), y downwards.
struct LayeredLayout {
  double width = 0.0;
  double height = 0.0;
  std::vector<LayeredPoint> nodes;  ///< middles of boxes
  /// Of each edge, from its sender to its receiver: between two layers a curve, past a layer's
  /// boxes a straight line.
  std::vector<std::vector<LayeredCurve>> routes;
};

/// The same layout for the same graph, without chance. Throws kUsage for edges of nodes that are
/// not there, for a bar that shares its layer, and for lengths that are not positive.
LayeredLayout layered_layout(const LayeredGraph& graph, const LayeredSizes& sizes = {});

}  // namespace patchbay
