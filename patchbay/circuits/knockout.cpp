#include "patchbay/circuits/knockout.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "patchbay/base/check.h"
#include "patchbay/base/error.h"

namespace patchbay {
namespace {

using enum HookPoint;

constexpr std::string_view kElsewhere = "elsewhere";

}  // namespace

Positions positions_of(const NamedPosition& position, const PromptSet& prompts) {
  if (position == CircuitNode::kEverywhere) return {};
  if (position != CircuitNode::kElsewhere) return Positions::named(position);
  std::vector<NamedPosition> names;
  for (std::size_t name = 0; name < prompts.position_names.size(); ++name) {
    names.emplace_back(name);
  }
  return Positions::all_but(std::move(names));
}

std::string text_of(const CircuitNode& node, const PromptSet& prompts) {
  if (node.position == CircuitNode::kEverywhere) return text_of(node.head);
  return fmt::format("{}@{}", text_of(node.head),
                     node.position == CircuitNode::kElsewhere ? std::string(kElsewhere)
                                                              : prompts.text_of(node.position));
}

std::vector<CircuitNode> nodes_of(const HeadClass& one, const HookedTransformerConfig& cfg,
                                  const PromptSet& prompts) {
  std::vector<CircuitNode> nodes;
  for (const Head& head : one.heads) {
    check_place(cfg, {.site = kZ, .layer = head.layer, .head = head.head});
    if (one.positions.empty()) nodes.push_back({head});
    for (const std::string& position : one.positions) {
      nodes.push_back({head, position == kElsewhere ? NamedPosition(CircuitNode::kElsewhere)
                                                    : prompts.named_position(position)});
    }
  }
  return nodes;
}

CircuitNodes nodes_of(const Circuit& circuit, const HookedTransformerConfig& cfg,
                      const PromptSet& prompts) {
  CircuitNodes nodes;
  for (const HeadClass& one : circuit.classes) {
    for (const CircuitNode& node : nodes_of(one, cfg, prompts)) nodes.insert(node);
  }
  return nodes;
}

Intervention all_but(const HookedTransformerConfig& cfg, const CircuitNodes& kept) {
  std::map<Head, std::vector<NamedPosition>> positions;
  for (const CircuitNode& node : kept) positions[node.head].push_back(node.position);
  Intervention places;
  for (int layer = 0; layer < cfg.n_layers; ++layer) {
    const auto first = positions.lower_bound({layer, 0});
    if (first == positions.end() || first->first.layer != layer) {
      places.push_back({.site = kZ, .layer = layer});  // the whole row at once
      continue;
    }
    for (std::int64_t head = 0; head < cfg.n_heads; ++head) {
      const auto own = positions.find({layer, head});
      Place place{.site = kZ, .layer = layer, .head = head};
      if (own != positions.end()) {
        std::vector<NamedPosition> kept_at = own->second;
        if (std::erase(kept_at, NamedPosition(CircuitNode::kEverywhere)) > 0) continue;
        const bool elsewhere = std::erase(kept_at, NamedPosition(CircuitNode::kElsewhere)) > 0;
        place.positions = Positions::all_but(std::move(kept_at), elsewhere);
      }
      places.push_back(place);
    }
  }
  return places;
}

Intervention only(const CircuitNodes& nodes, const PromptSet& prompts) {
  Intervention places;
  for (const CircuitNode& node : nodes) {
    places.push_back({.site = kZ,
                      .layer = node.head.layer,
                      .head = node.head.head,
                      .positions = positions_of(node.position, prompts)});
  }
  return places;
}

std::size_t Knockouts::add(Intervention intervention) {
  waiting_.push_back(std::move(intervention));
  return numbers_++;
}

void Knockouts::check_nodes(const CircuitNodes& nodes) const {
  for (const CircuitNode& node : nodes) {
    check_index("knockouts", "head", node.head.head, session_.model().cfg().n_heads);
    check_place(session_.model().cfg(), session_.prompts(),
                {.site = kZ,
                 .layer = node.head.layer,
                 .head = node.head.head,
                 .positions = positions_of(node.position, session_.prompts())});
  }
}

std::size_t Knockouts::add_circuit(const CircuitNodes& kept) {
  check_nodes(kept);
  if (settings_.ablate_mlps && session_.model().cfg().attn_only) {
    throw Error(ErrorKind::kUsage, "`mlps`", "this model has no MLPs to ablate; keep them");
  }
  Intervention places = all_but(session_.model().cfg(), kept);
  for (int layer = 0; settings_.ablate_mlps && layer < session_.model().cfg().n_layers; ++layer) {
    places.push_back({.site = kMlpOut, .layer = layer});
  }
  return add(std::move(places));
}

std::size_t Knockouts::add_model_without(const CircuitNodes& nodes) {
  check_nodes(nodes);
  return add(only(nodes, session_.prompts()));
}

void Knockouts::run() {
  std::vector<Intervention> variants;
  for (const Intervention& one : waiting_) {
    if (!one.empty()) variants.push_back(one);
  }
  const SweepResult result = session_.run(Sweep{.direction = Direction::kNoise,
                                                .variants = variants,
                                                .source = settings_.source,
                                                .metric = settings_.metric});
  baselines_ = result.baselines;
  const auto n = static_cast<std::size_t>(session_.prompts().size());
  std::size_t variant = 0;
  for (const Intervention& one : waiting_) {
    // Nothing taken away: the model as it is.
    const std::span<const double> own =
        one.empty() ? std::span<const double>(baselines_.clean)
                    : std::span<const double>(result.values).subspan(variant++ * n, n);
    values_.insert(values_.end(), own.begin(), own.end());
  }
  waiting_.clear();
}

std::vector<double> Knockouts::values(std::size_t number) const {
  const auto n = static_cast<std::size_t>(session_.prompts().size());
  check_index("knockouts", "set of nodes that was run", static_cast<std::int64_t>(number),
              std::ssize(values_) / std::max<std::int64_t>(session_.prompts().size(), 1));
  const auto own = std::span(values_).subspan(number * n, n);
  return {own.begin(), own.end()};
}

}  // namespace patchbay
