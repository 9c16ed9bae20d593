#include "patchbay/experiments/places_common.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "patchbay/config/shared_heads.h"

namespace patchbay::experiments {
namespace {

constexpr Choice<PatchAxis> kAxes[] = {{"layer", PatchAxis::kLayer},
                                       {"head", PatchAxis::kHead},
                                       {"position", PatchAxis::kPosition},
                                       {"neuron", PatchAxis::kNeuron},
                                       {"destination", PatchAxis::kDestination},
                                       {"source", PatchAxis::kSource}};

// One dimension of places: each of its values in turn when it is an axis, all at once when not.
template <class Value>
struct Dimension {
  std::string name;
  std::vector<std::string> labels;
  std::vector<Value> values;
  bool is_axis = false;

  [[nodiscard]] std::size_t cells() const { return is_axis ? values.size() : 1; }
  [[nodiscard]] std::span<const Value> at(std::size_t cell) const {
    return is_axis ? std::span(values).subspan(cell, 1) : std::span(values);
  }
};

struct Dimensions {
  Dimension<HookPoint> site;
  Dimension<std::int64_t> layer;
  Dimension<std::int64_t> head;
  Dimension<std::int64_t> neuron;
  Dimension<Positions> position;
  Dimension<Positions> source;
};

Dimension<std::int64_t> numbers(const Indices& asked, const char* field, const char* name,
                                std::int64_t count, bool is_axis) {
  if (!is_axis && !asked.is_given()) return {name, {}, {Place::kAll}, false};
  Dimension<std::int64_t> dimension{name, {}, asked.of(count, field), is_axis};
  dimension.labels = number_labels(dimension.values);
  return dimension;
}

Dimension<Positions> positions(const PositionList& asked, const PromptSet& prompts,
                               const char* field, std::string name, bool is_axis) {
  if (!is_axis) return {std::move(name), {}, asked.at_once(prompts, field), false};
  PositionChoice choice = asked.of(prompts, field);
  return {std::move(name), std::move(choice.labels), std::move(choice.positions), true};
}

// One key/value head serves a group of heads: labels say which, and of which sites where others
// have heads of their own, "1 (k, v: heads 3-5)".
void label_shared_heads(const HookedTransformerConfig& cfg, const std::vector<HookPoint>& sites,
                        Dimension<std::int64_t>& head) {
  std::vector<std::string> sharing;
  for (const HookPoint site : sites) {
    if (has_shared_heads(cfg, site)) sharing.push_back(to_text(site, patch_sites()));
  }
  if (sharing.empty() || !head.is_axis) return;
  const bool alone = sharing.size() == sites.size();
  if (alone) head.name = "key_value_head";
  const std::string of = alone ? "" : fmt::format("{}: ", fmt::join(sharing, ", "));
  for (std::size_t i = 0; i < head.values.size(); ++i) {
    if (head.values[i] >= cfg.key_value_heads()) continue;
    head.labels[i] = fmt::format("{} ({}{})", head.values[i], of, readers_of(cfg, head.values[i]));
  }
}

Dimensions dimensions_of(Session& session, const ActivationPatching& settings) {
  const HookedTransformerConfig& cfg = session.model().cfg();
  Dimensions d;
  d.site = {"site", {}, settings.site, settings.site.size() > 1};
  std::int64_t heads = 0;
  for (const HookPoint site : settings.site) {
    d.site.labels.push_back(to_text(site, patch_sites()));
    heads = std::max(heads, heads_of(cfg, site));
  }
  refuse_doubled(d.site.labels, "site");
  if (settings.heads.is_given() && heads == 0) {
    throw FieldError("heads", fmt::format("{} has no heads; leave `heads` out, or take another "
                                          "`site`",
                                          to_text(settings.site, patch_sites())));
  }
  std::vector<PatchAxis> axes = settings.axes;
  if (axes.empty()) axes = {PatchAxis::kLayer, heads > 0 ? PatchAxis::kHead : PatchAxis::kPosition};
  const auto has = [&](PatchAxis axis) { return std::ranges::find(axes, axis) != axes.end(); };
  const bool attention = std::ranges::all_of(d.site.values, is_attention);
  if (has(PatchAxis::kHead) && heads == 0) {
    throw FieldError("axes", fmt::format("{} has no heads; take layer,position",
                                         to_text(settings.site, patch_sites())));
  }
  if ((has(PatchAxis::kSource) || has(PatchAxis::kDestination) ||
       settings.src_positions.is_given()) &&
      !attention) {
    throw FieldError("axes",
                     "destination and source are axes of pattern and attn_scores; add `site` "
                     "pattern, or take other axes");
  }
  d.layer = numbers(settings.layers, "layers", "layer", cfg.n_layers, has(PatchAxis::kLayer));
  if (!d.layer.is_axis && d.layer.values.front() == Place::kAll) {
    d.layer.values = settings.layers.of(cfg.n_layers, "layers");
  }
  d.head = numbers(settings.heads, "heads", "head", std::max<std::int64_t>(heads, 1),
                   has(PatchAxis::kHead));
  d.neuron = numbers(settings.neurons, "neurons", "neuron", cfg.d_mlp, has(PatchAxis::kNeuron));
  const bool destinations = has(PatchAxis::kDestination);
  d.position = positions(settings.positions, session.prompts(), "positions",
                         destinations ? "destination" : "position",
                         has(PatchAxis::kPosition) || destinations);
  d.source = positions(settings.src_positions, session.prompts(), "src-positions", "source",
                       has(PatchAxis::kSource));
  label_shared_heads(cfg, settings.site, d.head);
  return d;
}

// Everything that the dimensions have in one cell, at once.
Intervention intervention(const HookedTransformerConfig& cfg, const Dimensions& d,
                          const std::array<std::size_t, 6>& cell) {
  Intervention places;
  for (const HookPoint site : d.site.at(cell[0])) {
    for (const std::int64_t layer : d.layer.at(cell[1])) {
      for (const std::int64_t head : d.head.at(cell[2])) {
        if (head != Place::kAll && head >= heads_of(cfg, site)) continue;
        for (const std::int64_t neuron : d.neuron.at(cell[3])) {
          for (const Positions& position : d.position.at(cell[4])) {
            for (const Positions& source : d.source.at(cell[5])) {
              places.push_back({.site = site,
                                .layer = static_cast<int>(layer),
                                .head = head,
                                .neuron = neuron,
                                .positions = position,
                                .keys = source});
            }
          }
        }
      }
    }
  }
  return places;
}

// "9.9+9.6,10.0": groups of heads.
Places nodes_of(Session& session, const ActivationPatching& settings) {
  const HookedTransformerConfig& cfg = session.model().cfg();
  const bool has_axes = !settings.axes.empty();
  const bool has_places = settings.layers.is_given() || settings.heads.is_given() ||
                          settings.neurons.is_given() || settings.src_positions.is_given();
  if (has_axes || has_places) {
    throw FieldError("nodes",
                     "nodes name their layers and heads; leave `axes`, `layers`, `heads`, "
                     "`neurons` and `src-positions` out");
  }
  if (settings.site.size() > 1) {
    throw FieldError("nodes", "groups of heads are patched at one `site`; name one");
  }
  const std::vector<Positions> positions_at =
      settings.positions.at_once(session.prompts(), "positions");
  Places places;
  places.axes = {{"node", parse_list(settings.nodes.text(), "nodes")}};
  refuse_doubled(places.axes.front().labels, "nodes");
  const bool is_shared = has_shared_heads(cfg, settings.site.front());
  for (std::string& group : places.axes.front().labels) {
    Intervention cell;
    std::string label;
    for (std::string_view rest = group; !rest.empty();) {
      const auto plus = rest.find('+');
      const std::string_view node = rest.substr(0, plus);
      rest = plus == std::string_view::npos ? std::string_view() : rest.substr(plus + 1);
      Place place = head_place(node, settings.site.front(), "nodes");
      for (const Positions& position : positions_at) {
        place.positions = position;
        cell.push_back(place);
        check_place(cfg, cell.back());
      }
      label += fmt::format("{}{}{}", label.empty() ? "" : "+", node,
                           is_shared ? fmt::format(" ({})", readers_of(cfg, place.head)) : "");
    }
    group = std::move(label);
    places.cells.push_back(std::move(cell));
  }
  return places;
}

}  // namespace

// Any point of a block that takes row edits, by the word that the table has for it.
OneOf<HookPoint> patch_sites() {
  static const std::vector<Choice<HookPoint>> kSites = [] {
    std::vector<Choice<HookPoint>> sites;
    for (const HookPointInfo& point : hook_points()) {
      if (point.is_site()) sites.push_back({point.site_name(), point.point});
    }
    return sites;
  }();
  return {kSites, "site"};
}

OneOf<PatchAxis> patch_axes() { return one_of(kAxes, "axis"); }

bool has_shared_heads(const HookedTransformerConfig& cfg, HookPoint site) {
  return cfg.grouped_queries() && heads_of(cfg, site) == cfg.key_value_heads();
}

Places places_of(Session& session, const ActivationPatching& settings) {
  if (settings.nodes.is_given()) return nodes_of(session, settings);
  const Dimensions d = dimensions_of(session, settings);
  Places places;
  const auto add_axis = [&](const auto& dimension) {
    if (dimension.is_axis) places.axes.push_back({dimension.name, dimension.labels});
  };
  add_axis(d.site);
  add_axis(d.layer);
  add_axis(d.head);
  add_axis(d.neuron);
  add_axis(d.position);
  add_axis(d.source);
  const std::array<std::size_t, 6> extents = {d.site.cells(),     d.layer.cells(),
                                              d.head.cells(),     d.neuron.cells(),
                                              d.position.cells(), d.source.cells()};
  std::array<std::size_t, 6> cell{};
  while (true) {
    places.cells.push_back(intervention(session.model().cfg(), d, cell));
    int dimension = 5;
    while (dimension >= 0) {
      const auto at = static_cast<std::size_t>(dimension);
      if (++cell[at] < extents[at]) break;
      cell[at] = 0;
      --dimension;
    }
    if (dimension < 0) return places;
  }
}

}  // namespace patchbay::experiments
