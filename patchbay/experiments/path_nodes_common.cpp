#include "patchbay/experiments/path_nodes_common.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "patchbay/base/suggest.h"
#include "patchbay/base/words.h"
#include "patchbay/circuits/circuit.h"
#include "patchbay/config/shared_heads.h"
#include "patchbay/experiments/places_common.h"

namespace patchbay::experiments {
namespace {

using enum HookPoint;

int layer_of(std::string_view text, std::string_view field) {
  const auto layer = parse_number<int>(text);
  if (layer) return *layer;
  throw FieldError(field,
                   fmt::format("\"{}\" is not the number of a layer; layers count from 0", text));
}

Intervention at_positions(const HookedTransformerConfig& cfg, Place place,
                          const std::vector<Positions>& positions) {
  Intervention places;
  for (const Positions& position : positions) {
    place.positions = position;
    check_place(cfg, place);
    places.push_back(place);
  }
  return places;
}

void append(const Intervention& more, Intervention& places) {
  places.insert(places.end(), more.begin(), more.end());
}

struct Senders {
  std::vector<TableAxis> axes;
  std::vector<Intervention> cells;
};

// What the command calls a sender or a receiver at a point.
std::string_view node_name(const HookPointInfo& point) {
  return point.unit() == Unit::kNeuron ? "neuron" : point.short_name;
}

// The points that `fits` picks, as errors list them: components, neurons, the stream.
template <class Fits>
std::vector<const HookPointInfo*> points_where(const Fits& fits) {
  std::vector<const HookPointInfo*> points;
  for (const HookPointInfo& point : hook_points()) {
    if (fits(point)) points.push_back(&point);
  }
  std::ranges::stable_sort(points, {}, [](const HookPointInfo* point) {
    return point->is_stream() ? 2 : point->unit() == Unit::kNeuron ? 1 : 0;
  });
  return points;
}

// "9.*" is every head of layer 9, "all" every head of every layer; anything else is itself.
std::vector<std::string> expanded(const HookedTransformerConfig& cfg, std::string_view node,
                                  std::string_view field) {
  int first = 0;
  auto last = static_cast<int>(cfg.n_layers) - 1;
  if (node.ends_with(".*")) {
    first = layer_of(node.substr(0, node.size() - 2), field);
    last = first;
  } else if (node != "all") {
    return {std::string(node)};
  }
  std::vector<std::string> heads;
  for (int layer = first; layer <= last; ++layer) {
    for (std::int64_t head = 0; head < cfg.n_heads; ++head) {
      heads.push_back(fmt::format("{}.{}", layer, head));
    }
  }
  return heads;
}

// "4.100": neuron 100 of the MLP of layer 4.
Place neuron_place(std::string_view text, HookPoint site, std::string_view field) {
  Place place = head_place(text, site, field);
  place.neuron = std::exchange(place.head, Place::kAll);
  return place;
}

// "9.6", "mlp3", "embed", or a site and where: "attn_out:4", "neuron:4.100".
Place sender_place(std::string_view node) {
  constexpr std::string_view kField = "sender";
  if (node == "embed") return {.site = kResidPre, .layer = 0};
  if (node.starts_with("mlp") && node.find(':') == std::string_view::npos) {
    return {.site = kMlpOut, .layer = layer_of(node.substr(3), kField)};
  }
  const std::size_t colon = node.find(':');
  if (colon == std::string_view::npos) return head_place(node, kZ, kField);
  std::vector<std::string> names;
  const auto sends = [](const HookPointInfo& point) {
    return point.writes_stream() || point.is_stream();
  };
  for (const HookPointInfo* site : points_where(sends)) {
    names.emplace_back(node_name(*site));
    if (names.back() != node.substr(0, colon)) continue;
    const std::string_view where = node.substr(colon + 1);
    if (site->unit() == Unit::kHead) return head_place(where, site->point, kField);
    if (site->unit() == Unit::kNeuron) return neuron_place(where, site->point, kField);
    return {.site = site->point, .layer = layer_of(where, kField)};
  }
  throw FieldError(kField,
                   fmt::format("there is no sender \"{}\"{}; there are {}", node.substr(0, colon),
                               did_you_mean(node.substr(0, colon), names), fmt::join(names, ", ")));
}

// "nodes": the embeddings, and every head and MLP in forward order.
std::string all_nodes(const HookedTransformerConfig& cfg) {
  std::string text = "embed";
  for (int layer = 0; layer < cfg.n_layers; ++layer) {
    for (std::int64_t head = 0; head < cfg.n_heads; ++head) {
      text += fmt::format(",{}.{}", layer, head);
    }
    if (!cfg.attn_only) text += fmt::format(",mlp{}", layer);
  }
  return text;
}

Senders senders_of(Session& session, const PathPatching& settings,
                   const PositionList& sender_position) {
  const HookedTransformerConfig& cfg = session.model().cfg();
  const std::vector<Positions> positions =
      sender_position.at_once(session.prompts(), "sender-position");
  std::string text = settings.sender.text();
  Senders senders;
  if (text == "mlps" && cfg.attn_only) {
    throw FieldError("sender", "this model has no MLPs; take heads or attn_outs");
  }
  if (text == "heads" || text == "mlps" || text == "attn_outs") {
    senders.axes.push_back(number_axis("layer", 0, cfg.n_layers));
    if (text == "heads") senders.axes.push_back(number_axis("head", 0, cfg.n_heads));
    for (int layer = 0; layer < cfg.n_layers; ++layer) {
      if (text != "heads") {
        const HookPoint site = text == "mlps" ? kMlpOut : kAttnOut;
        senders.cells.push_back(at_positions(cfg, {.site = site, .layer = layer}, positions));
        continue;
      }
      for (std::int64_t head = 0; head < cfg.n_heads; ++head) {
        senders.cells.push_back(
            at_positions(cfg, {.site = kZ, .layer = layer, .head = head}, positions));
      }
    }
    return senders;
  }
  if (text == "nodes") text = all_nodes(cfg);
  senders.axes.push_back({"sender", {}});
  for (const std::string_view group : split(text, ',')) {
    auto& labels = senders.axes.front().labels;
    for (std::string& label : expanded(cfg, group, "sender")) labels.push_back(std::move(label));
  }
  for (const std::string& group : senders.axes.front().labels) {
    Intervention cell;
    for (const std::string_view node : split(group, '+')) {
      append(at_positions(cfg, sender_place(node), positions), cell);
    }
    senders.cells.push_back(std::move(cell));
  }
  return senders;
}

// What reads the stream; a pattern stands for its queries and keys, the first input of a gated
// neuron for both.
const HookPointInfo& receiver_site(std::string_view name) {
  const auto receives = [](const HookPointInfo& point) {
    return (point.reads_stream() && point.point != kMlpPreLinear) || point.is_stream() ||
           point.point == kPattern;
  };
  std::vector<std::string> names;
  for (const HookPointInfo* site : points_where(receives)) {
    names.emplace_back(node_name(*site));
    if (names.back() == name) return *site;
  }
  names.emplace_back("logits");
  const std::string near =
      parse_head(name) ? fmt::format("; did you mean \"q:{0}\", \"k:{0}\" or \"v:{0}\"?", name)
                       : did_you_mean(name, names);
  throw FieldError("receiver", fmt::format("there is no receiver \"{}\"{}; there are {}", name,
                                           near, fmt::join(names, ", ")));
}

// One receiver of a group, with its name.
struct Receiver {
  std::string label;
  Intervention places;
};

// What one receiver reads with: a pattern with its queries and keys, a gated neuron with both of
// its inputs. Keys and values are named by the query head that reads them; heads may share them.
std::vector<Place> receiver_places(const HookedTransformerConfig& cfg, const HookPointInfo& site,
                                   const std::string& node) {
  constexpr std::string_view kField = "receiver";
  if (site.point == kMlpPre) {
    std::vector<Place> places = {neuron_place(node, kMlpPre, kField)};
    if (cfg.gated_mlp) places.push_back(neuron_place(node, kMlpPreLinear, kField));
    return places;
  }
  if (site.unit() == Unit::kRow) {
    return {{.site = site.point, .layer = layer_of(node, kField)}};
  }
  std::vector<Place> places;
  for (const HookPoint point : {kQ, kK, kV}) {
    const bool of_pattern = site.point == kPattern && point != kV;
    if (site.point != point && !of_pattern) continue;
    Place place = head_place(node, point, kField);
    if (point != kQ && place.head >= 0 && place.head < cfg.n_heads) {
      place.head = cfg.key_value_head_of(place.head);
    }
    places.push_back(place);
  }
  return places;
}

// "q:9.6,9.9;k:5.5": every place of the group.
std::vector<Receiver> group_of(Session& session, const PathPatching& settings,
                               std::string_view text) {
  const HookedTransformerConfig& cfg = session.model().cfg();
  const std::vector<Positions> positions =
      settings.receiver_position.at_once(session.prompts(), "receiver-position");
  std::vector<Receiver> group;
  for (const std::string_view part : split(text, ';')) {
    const std::size_t colon = part.find(':');
    const HookPointInfo& site = receiver_site(part.substr(0, colon));
    if (colon == std::string_view::npos) {
      const std::string_view example = site.unit() == Unit::kRow      ? "9"
                                       : site.unit() == Unit::kNeuron ? "9.100"
                                                                      : "9.6";
      throw FieldError("receiver", fmt::format("\"{}\" does not say which: write {}:{}", part,
                                               node_name(site), example));
    }
    for (const std::string_view nodes : split(part.substr(colon + 1), ',')) {
      for (const std::string& node : expanded(cfg, nodes, "receiver")) {
        Receiver receiver{fmt::format("{}:{}", node_name(site), node), {}};
        for (const Place& place : receiver_places(cfg, site, node)) {
          if (has_shared_heads(cfg, place.site) && place.head >= 0 &&
              place.head < cfg.key_value_heads()) {
            receiver.label += fmt::format(" ({} of {})", place.site == kV ? "values" : "keys",
                                          readers_of(cfg, place.head));
          }
          append(at_positions(cfg, place, positions), receiver.places);
        }
        group.push_back(std::move(receiver));
      }
    }
  }
  return group;
}

}  // namespace

ReceiverPath::ReceiverPath(HookPoint site, std::initializer_list<Head> heads) {
  const HookPointInfo& point = info(site);
  if (point.stream == StreamUse::kReadByAttn || site == kPattern) {
    *this = ReceiverPath(fmt::format("{}:{}", point.short_name, NodeList(heads).text()));
    return;
  }
  throw FieldError(
      "receiver",
      fmt::format("{} is not read by single heads; take q, k, v or pattern", point.short_name));
}

PathPlan paths_of(Session& session, const PathPatching& settings,
                  const PositionList& sender_position) {
  Senders senders = senders_of(session, settings, sender_position);
  std::vector<std::string_view> steps = split(settings.receiver.text(), '>');
  const bool to_logits = steps.back() == "logits";
  if (to_logits) steps.pop_back();
  std::vector<std::vector<Receiver>> groups;
  for (const std::string_view step : steps) groups.push_back(group_of(session, settings, step));
  const bool each = settings.each_receiver;
  if (each && groups.empty()) {
    throw FieldError("each-receiver",
                     "the logits are one receiver; name several, such as q:9.6,9.9");
  }
  PathPlan plan{std::move(senders.axes), {}};
  // Of the last group each receiver alone, or all at once.
  std::vector<Intervention> last;
  if (each) {
    plan.axes.push_back({"receiver", {}});
    for (const Receiver& receiver : groups.back()) {
      plan.axes.back().labels.push_back(receiver.label);
      last.push_back(receiver.places);
    }
    groups.pop_back();
  }
  std::vector<Intervention> chain;
  for (const std::vector<Receiver>& group : groups) {
    Intervention& places = chain.emplace_back();
    for (const Receiver& receiver : group) append(receiver.places, places);
  }
  for (const Intervention& cell : senders.cells) {
    if (!each) plan.paths.push_back({cell, chain, to_logits});
    for (const Intervention& receiver : last) {
      Path path{cell, chain, to_logits};
      path.receivers.push_back(receiver);
      plan.paths.push_back(std::move(path));
    }
  }
  return plan;
}

}  // namespace patchbay::experiments
