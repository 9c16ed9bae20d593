// The circuit that a search left behind as a table of edges.
#include <fmt/format.h>

#include <map>
#include <set>

#include "patchbay/circuits/circuit.h"
#include "patchbay/results/circuit_graph.h"

namespace patchbay {
namespace {

// How many edges each sender is from the logits.
std::map<std::string, int> distances(const std::vector<CircuitEdge>& edges) {
  std::map<std::string, int> distance = {{std::string("logits"), 0}};
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

}  // namespace patchbay
