#include "patchbay/results/circuit_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <map>
#include <set>

#include "patchbay/base/error.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/results/statistics.h"

namespace patchbay {
namespace {

constexpr std::string_view kArrow = " -> ";
constexpr std::string_view kLogits = "logits";

CircuitEdge parse_edge(std::string_view text) {
  const std::size_t arrow = text.find(kArrow);
  if (arrow == std::string_view::npos) {
    throw Error(
        ErrorKind::kBadData, "circuit",
        fmt::format("{} is not an edge such as \"5.5@S2 -> 8.6@END.v\"", json_quoted(text)));
  }
  CircuitEdge edge{
      std::string(text.substr(0, arrow)), std::string(text.substr(arrow + kArrow.size())), {}};
  if (edge.receiver == kLogits) return edge;
  const std::size_t dot = edge.receiver.rfind('.');
  edge.input = dot == std::string::npos ? "" : edge.receiver.substr(dot + 1);
  if (edge.input != "q" && edge.input != "k" && edge.input != "v") {
    throw Error(ErrorKind::kBadData, "circuit",
                fmt::format("{} does not say which input is read: q, k or v", json_quoted(text)));
  }
  edge.receiver.resize(dot);
  return edge;
}

}  // namespace

std::string text_of(const CircuitEdge& edge) {
  return fmt::format("{}{}{}{}{}", edge.sender, kArrow, edge.receiver,
                     edge.input.empty() ? "" : ".", edge.input);
}

std::vector<CircuitEdge> edges_of(const EffectTable& table) {
  if (table.axes.empty() || table.axes.front().name != "edge") {
    throw Error(ErrorKind::kBadData, "circuit",
                fmt::format("the result of {} has no edges; a circuit is a result of find_circuit",
                            json_quoted(table.experiment)));
  }
  std::vector<CircuitEdge> edges;
  for (const std::string& label : table.axes.front().labels) edges.push_back(parse_edge(label));
  return edges;
}

int layer_of_node(std::string_view node) {
  int layer = -1;
  const auto [end, error] = std::from_chars(node.data(), node.data() + node.size(), layer);
  if (error != std::errc() || layer < 0 || end == node.data() + node.size() || *end != '.') {
    throw Error(
        ErrorKind::kBadData, "circuit",
        fmt::format("{} is not a head at a position, such as \"5.5@S2\"", json_quoted(node)));
  }
  return layer;
}

std::string circuit_dot(const EffectTable& table) {
  const std::vector<CircuitEdge> edges = edges_of(table);
  if (table.cells() != std::ssize(edges)) {
    throw Error(ErrorKind::kUsage, "circuit",
                fmt::format("the result of {} has {} cells for {} edges; a circuit has one each",
                            json_quoted(table.experiment), table.cells(), edges.size()));
  }
  const std::vector<CellSummary> effects = summarize(table, table.effect, table.aggregate);
  std::map<int, std::set<std::string>> layers;
  double largest = 0.0;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    layers[layer_of_node(edges[i].sender)].insert(edges[i].sender);
    if (std::isfinite(effects[i].value)) largest = std::max(largest, std::abs(effects[i].value));
  }
  std::string text = "digraph circuit {\n  rankdir=BT;\n  node [shape=box];\n";
  for (const auto& [layer, nodes] : layers) {
    text += "  { rank=same;";
    for (const std::string& node : nodes) text += fmt::format(" {};", json_quoted(node));
    text += fmt::format(" }}  // layer {}\n", layer);
  }
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const double effect = effects[i].value;
    const double share = largest > 0.0 && std::isfinite(effect) ? std::abs(effect) / largest : 0.0;
    // Queries, keys and values arrive from the left, the middle and the right.
    const std::string_view input = edges[i].input;
    const std::string_view port = input == "q"   ? ", headport=sw"
                                  : input == "k" ? ", headport=s"
                                  : input == "v" ? ", headport=se"
                                                 : "";
    text += fmt::format("  {} -> {} [label={}, penwidth={:.2f}, color={}{}];\n",
                        json_quoted(edges[i].sender), json_quoted(edges[i].receiver),
                        json_quoted(fmt::format("{}{}{:.1f}", edges[i].input,
                                                edges[i].input.empty() ? "" : " ", effect)),
                        0.5 + 4.5 * share, effect < 0.0 ? "\"#2166ac\"" : "\"#b2182b\"", port);
  }
  return text + "}\n";
}

}  // namespace patchbay
