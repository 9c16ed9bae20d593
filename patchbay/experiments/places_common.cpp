#include "patchbay/experiments/places_common.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"

namespace patchbay::experiments {
namespace {

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

Dimension<std::int64_t> numbers(const Request& request, const char* option, const char* name,
                                std::int64_t count, bool is_axis) {
  if (!is_axis && !request.settings.is_given(option)) return {name, {}, {Place::kAll}, false};
  Dimension<std::int64_t> dimension{name, {}, request.settings.indices(option, count), is_axis};
  dimension.labels = number_labels(dimension.values);
  return dimension;
}

Dimension<Positions> positions(const Request& request, const char* option, std::string name,
                               bool is_axis) {
  if (!is_axis) return {std::move(name), {}, positions_at_once(request, option), false};
  PositionChoice choice = positions_of(request, option);
  return {std::move(name), std::move(choice.labels), std::move(choice.positions), true};
}

std::vector<std::string> axis_names(const Settings& settings, bool has_heads) {
  if (settings.is_given("axes")) return settings.list("axes");
  return {"layer", has_heads ? "head" : "position"};
}

Dimensions dimensions_of(const Request& request) {
  const Settings& settings = request.settings;
  const HookedTransformerConfig& cfg = request.model.cfg();
  Dimensions d;
  d.site = {"site", settings.list("site"), {}, false};
  std::int64_t heads = 0;
  for (const std::string& name : d.site.labels) {
    d.site.values.push_back(site_of(name));
    heads = std::max(heads, heads_of(cfg, d.site.values.back()));
  }
  d.site.is_axis = d.site.values.size() > 1;
  const std::vector<std::string> axes = axis_names(settings, heads > 0);
  const std::vector<std::string> known = {"layer",  "head",        "position",
                                          "neuron", "destination", "source"};
  for (const std::string& axis : axes) {
    if (std::ranges::find(known, axis) != known.end()) continue;
    throw Error(ErrorKind::kUsage, "--axes",
                fmt::format("there is no axis \"{}\"{}; there are {}", axis,
                            did_you_mean(axis, known), fmt::join(known, ", ")));
  }
  const auto has = [&](const char* name) { return std::ranges::find(axes, name) != axes.end(); };
  const bool attention = std::ranges::all_of(d.site.values, is_attention);
  if (has("head") && heads == 0) {
    throw Error(ErrorKind::kUsage, "--axes",
                fmt::format("{} has no heads; take layer,position", settings.text("site")));
  }
  if ((has("source") || has("destination") || settings.is_given("sources")) && !attention) {
    throw Error(ErrorKind::kUsage, "--axes",
                "destination and source are axes of pattern and attn_scores; add --site pattern, "
                "or take other axes");
  }
  d.layer = numbers(request, "layers", "layer", cfg.n_layers, has("layer"));
  if (!d.layer.is_axis && d.layer.values.front() == Place::kAll) {
    d.layer.values = settings.indices("layers", cfg.n_layers);
  }
  d.head = numbers(request, "heads", "head", std::max<std::int64_t>(heads, 1), has("head"));
  d.neuron = numbers(request, "neurons", "neuron", cfg.d_mlp, has("neuron"));
  d.position = positions(request, "positions", has("destination") ? "destination" : "position",
                         has("position") || has("destination"));
  d.source = positions(request, "sources", "source", has("source"));
  const bool shared = cfg.grouped_queries() && heads == cfg.key_value_heads();
  if (shared && d.head.is_axis) {  // one key/value head serves a group of heads
    d.head.name = "key_value_head";
    const std::int64_t group = cfg.n_heads / heads;
    for (std::size_t i = 0; i < d.head.values.size(); ++i) {
      const std::int64_t first = d.head.values[i] * group;
      d.head.labels[i] =
          fmt::format("{} (heads {}-{})", d.head.values[i], first, first + group - 1);
    }
  }
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
Places nodes_of(const Request& request) {
  const Settings& settings = request.settings;
  const HookedTransformerConfig& cfg = request.model.cfg();
  const HookPoint site = site_of(settings.text("site"));
  const std::vector<Positions> positions_at = positions_at_once(request, "positions");
  Places places;
  places.axes = {{"node", settings.list("nodes")}};
  for (const std::string& group : places.axes.front().labels) {
    Intervention cell;
    for (std::string_view rest = group; !rest.empty();) {
      const auto plus = rest.find('+');
      const std::string_view node = rest.substr(0, plus);
      rest = plus == std::string_view::npos ? std::string_view() : rest.substr(plus + 1);
      Place place = head_place(node, site, "--nodes");
      for (const Positions& position : positions_at) {
        place.positions = position;
        cell.push_back(place);
        check_place(cfg, cell.back());
      }
    }
    places.cells.push_back(std::move(cell));
  }
  return places;
}

// The positions of a list; all when it is empty or says so.
PositionChoice positions_in(const Request& request, std::string_view option,
                            std::string_view list) {
  const PromptSet& prompts = request.prompts;
  PositionChoice choice;
  const std::vector<std::string> wanted = parse_list(list, option);
  const bool all = wanted.empty() || (wanted.size() == 1 && wanted.front() == "all");
  const auto by_number = [&](const std::string& text) {
    return text.find_first_not_of("0123456789-") == std::string::npos;
  };
  if (!all && std::ranges::none_of(wanted, by_number)) {
    for (const std::string& name : wanted) {
      choice.labels.push_back(name);
      choice.positions.push_back(Positions::named(prompts.index_of_position(name)));
    }
    return choice;
  }
  if (!prompts.is_rectangular()) {
    throw Error(ErrorKind::kUsage, fmt::format("--{}", option),
                fmt::format("the prompts of {} have different lengths, so position numbers mean "
                            "different things; name positions: {}",
                            prompts.task, fmt::join(prompts.position_names, ", ")));
  }
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(prompts.longest()));
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int64_t>(i);
  if (!all) numbers = parse_indices(list, option, prompts.longest());
  choice.labels = number_labels(numbers);
  for (const std::int64_t number : numbers) {
    choice.positions.push_back(Positions::at(static_cast<std::int32_t>(number)));
  }
  return choice;
}

}  // namespace

HookPoint site_of(std::string_view name) {
  std::vector<std::string> names;
  for (const HookPointInfo& point : hook_points()) {
    if (!point.is_site()) continue;
    if (point.site_name() == name) return point.point;
    names.emplace_back(point.site_name());
  }
  throw Error(ErrorKind::kUsage, "--site",
              fmt::format("there is no site \"{}\"{}; there are {}", name,
                          did_you_mean(name, names), fmt::join(names, ", ")));
}

PositionChoice positions_of(const Request& request, std::string_view option) {
  return positions_in(request, option, request.settings.text(option));
}

std::vector<Positions> positions_at_once(const Request& request, std::string_view option) {
  return positions_at_once(request, option, request.settings.text(option));
}

std::vector<Positions> positions_at_once(const Request& request, std::string_view option,
                                         std::string_view list) {
  if (list.empty() || list == "all") return {Positions{}};
  return positions_in(request, option, list).positions;
}

Place head_place(std::string_view text, HookPoint site, std::string_view option) {
  int layer = -1;
  int head = -1;
  const char* const end = text.data() + text.size();
  const auto [dot, first] = std::from_chars(text.data(), end, layer);
  const bool joined = first == std::errc() && dot != end && *dot == '.';
  const auto [last, second] = std::from_chars(joined ? dot + 1 : end, end, head);
  if (!joined || second != std::errc() || last != end) {
    throw Error(ErrorKind::kUsage, option,
                fmt::format("\"{}\" is not a head such as 9.6 (layer 9, head 6)", text));
  }
  return {.site = site, .layer = layer, .head = head};
}

Places places_of(const Request& request) {
  if (request.settings.is_given("nodes")) return nodes_of(request);
  const Dimensions d = dimensions_of(request);
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
    places.cells.push_back(intervention(request.model.cfg(), d, cell));
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
