// A circuit as a graph: nodes are heads at positions, edges are paths between them. It is kept as a
// table with the axis "edge", so that every edge has its values per prompt.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "patchbay/results/effect_table.h"

namespace patchbay {

/// One edge: "5.5@S2 -> 8.6@END.v" says that head 5.5, at S2, is read by the values of head 8.6,
/// which itself matters at END. A sender's position is where it is read.
struct CircuitEdge {
  std::string sender;    ///< "5.5@S2"
  std::string receiver;  ///< "8.6@END", or "logits"
  std::string input;     ///< "q", "k" or "v"; empty for the logits
};

std::string text_of(const CircuitEdge& edge);

/// The edges of a table, in its order. Throws kBadData for a table without them.
std::vector<CircuitEdge> edges_of(const EffectTable& table);

/// The layer of a sender such as "5.5@S2". Throws kBadData for other texts.
int layer_of_node(std::string_view node);

/// The graph in Graphviz's language: layers upward, an edge's width the size of its effect, red for
/// positive and blue for negative effects; queries, keys and values arrive at the left corner, the
/// middle and the right corner of their node. Throws kUsage for a table with other cells than
/// edges, and as edges_of and layer_of_node do.
std::string circuit_dot(const EffectTable& table);

}  // namespace patchbay
