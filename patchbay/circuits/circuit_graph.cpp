#include "patchbay/circuits/circuit_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "patchbay/base/error.h"
#include "patchbay/circuits/circuit.h"
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

// How many edges each sender is from the logits.
std::map<std::string, int> distances(const std::vector<CircuitEdge>& edges) {
  std::map<std::string, int> distance = {{std::string(kLogits), 0}};
  for (bool changed = true; changed;) {
    changed = false;
    for (const CircuitEdge& edge : edges) {
      const auto receiver = distance.find(edge.receiver);
      if (receiver == distance.end()) continue;
      const int through = receiver->second + 1;
      const auto [sender, is_new] = distance.try_emplace(edge.sender, through);
      if (!is_new && sender->second <= through) continue;
      sender->second = through;
      changed = true;
    }
  }
  return distance;
}

// "5.5@S2": the head and the position.
std::pair<Head, std::string> parse_node(const std::string& text) {
  const std::size_t at = text.find('@');
  const Circuit one = parse_circuit(text.substr(0, at));
  return {one.classes.front().heads.front(), at == std::string::npos ? "" : text.substr(at + 1)};
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

Circuit circuit_of(const EffectTable& table) {
  const std::vector<CircuitEdge> edges = edges_of(table);
  std::map<std::pair<int, std::string>, std::set<Head>> classes;
  for (const auto& [text, distance] : distances(edges)) {
    if (distance == 0) continue;
    const auto [head, position] = parse_node(text);
    classes[{distance, position}].insert(head);
  }
  Circuit circuit;
  for (const auto& [key, heads] : classes) {
    const auto& [distance, position] = key;
    HeadClass one{.name = distance == 1 ? "to the logits" : fmt::format("step {}", distance),
                  .heads = {heads.begin(), heads.end()},
                  .positions = {},
                  .steps = distance};
    if (!position.empty()) {
      one.name += " from " + position;
      one.positions = {position};
    }
    circuit.classes.push_back(std::move(one));
  }
  return circuit;
}

std::string circuit_dot(const EffectTable& table) {
  const std::vector<CircuitEdge> edges = edges_of(table);
  const std::vector<CellSummary> effects = summarize(table, table.effect, table.aggregate);
  std::map<int, std::set<std::string>> layers;
  double largest = 0.0;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    layers[parse_node(edges[i].sender).first.layer].insert(edges[i].sender);
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
    text += fmt::format("  {} -> {} [label={}, penwidth={:.2f}, color={}];\n",
                        json_quoted(edges[i].sender), json_quoted(edges[i].receiver),
                        json_quoted(fmt::format("{}{}{:.1f}", edges[i].input,
                                                edges[i].input.empty() ? "" : " ", effect)),
                        0.5 + 4.5 * share, effect < 0.0 ? "\"#b2182b\"" : "\"#2166ac\"");
  }
  return text + "}\n";
}

}  // namespace patchbay
