// Path patching (Wang et al. 2022, appendix B): what senders say to receivers along paths through
// no other head. The receivers are the logits, or the queries, keys and values of heads, MLPs or
// the residual stream of a block, one group after the other.
#include "patchbay/circuits/path_patching.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/experiments/columns_common.h"
#include "patchbay/experiments/places_common.h"

namespace patchbay::experiments {

const Experiment& path_patching();

namespace {

using enum HookPoint;

constexpr OptionInfo kOptions[] = {
    {"sender", "heads",
     "what gets the other run's values: heads or mlps, each in turn; or a list such as "
     "9.9,9.6+10.0,mlp3, where + joins what is patched at once"},
    {"sender-position", "END", "where senders are patched: numbers, names of the task, or all"},
    {"receiver", "logits",
     "where paths end: logits, or inputs such as q:9.6,9.9 or k:5.5;v:7.3 or mlp_in:4 or "
     "resid_pre:8; > leads on from one group to the next: v:5.5 > q:9.9 > logits"},
    {"receiver-position", "", "where receivers read: numbers, names of the task, or all"},
    {"each-receiver", "no", "yes: an axis of receivers, each alone, instead of a group at once"},
    {"mlps", "live", "live: paths go through MLPs too; frozen: through the residual stream alone"},
    {"direction", "noise",
     "noise: the clean run with corrupted values; denoise: the corrupted run with clean values"},
    {"source", "other",
     "what is put in: other, zero, mean, mean_by_position, mean_by_template, resample, gaussian"},
    {"sigma", "0.1", "of gaussian: the standard deviation of the noise"},
    {"source-seed", "0", "of resample and gaussian"},
    {"metric", "logit_diff", "what is measured"},
    {"effect", "percent_of_clean", "shown first: raw, fraction, recovered, percent_of_clean"},
    {"aggregate", "ratio_of_means", "of prompts: ratio_of_means or mean_of_ratios"},
};

// The parts of a text between separators, without spaces around them.
std::vector<std::string> parts_of(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    std::string_view part = text.substr(0, at);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    parts.emplace_back(part);
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

int layer_of(std::string_view text, std::string_view option) {
  int layer = -1;
  const char* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, layer);
  if (error != std::errc() || last != end) {
    throw Error(ErrorKind::kUsage, std::string(option),
                fmt::format("\"{}\" is not the number of a layer", text));
  }
  return layer;
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

Senders senders_of(const Request& request) {
  const HookedTransformerConfig& cfg = request.model.cfg();
  const std::vector<Positions> positions = positions_at_once(request, "sender-position");
  const std::string& text = request.settings.text("sender");
  std::vector<std::int64_t> layers(static_cast<std::size_t>(cfg.n_layers));
  for (std::size_t i = 0; i < layers.size(); ++i) layers[i] = static_cast<std::int64_t>(i);
  Senders senders;
  if (text == "heads" || text == "mlps") {
    senders.axes.push_back({"layer", number_labels(layers)});
    for (int layer = 0; layer < cfg.n_layers; ++layer) {
      if (text == "mlps") {
        senders.cells.push_back(at_positions(cfg, {.site = kMlpOut, .layer = layer}, positions));
        continue;
      }
      for (std::int64_t head = 0; head < cfg.n_heads; ++head) {
        senders.cells.push_back(
            at_positions(cfg, {.site = kZ, .layer = layer, .head = head}, positions));
      }
    }
    if (text == "mlps") return senders;
    std::vector<std::int64_t> heads(static_cast<std::size_t>(cfg.n_heads));
    for (std::size_t i = 0; i < heads.size(); ++i) heads[i] = static_cast<std::int64_t>(i);
    senders.axes.push_back({"head", number_labels(heads)});
    return senders;
  }
  senders.axes.push_back({"sender", parts_of(text, ',')});
  for (const std::string& group : senders.axes.front().labels) {
    Intervention cell;
    for (const std::string& node : parts_of(group, '+')) {
      const Place place =
          node.starts_with("mlp")
              ? Place{.site = kMlpOut, .layer = layer_of(node.substr(3), "--sender")}
              : head_place(node, kZ, "--sender");
      append(at_positions(cfg, place, positions), cell);
    }
    senders.cells.push_back(std::move(cell));
  }
  return senders;
}

struct ReceiverSite {
  std::string_view name;
  HookPoint point;
  bool has_heads;
};
constexpr ReceiverSite kReceiverSites[] = {{"q", kQ, true},
                                           {"k", kK, true},
                                           {"v", kV, true},
                                           {"mlp_in", kMlpIn, false},
                                           {"resid_pre", kResidPre, false},
                                           {"resid_mid", kResidMid, false},
                                           {"resid_post", kResidPost, false}};

const ReceiverSite& receiver_site(const std::string& name) {
  std::vector<std::string> names;
  for (const ReceiverSite& site : kReceiverSites) {
    if (site.name == name) return site;
    names.emplace_back(site.name);
  }
  names.emplace_back("logits");
  throw Error(ErrorKind::kUsage, "--receiver",
              fmt::format("there is no receiver \"{}\"{}; there are {}", name,
                          did_you_mean(name, names), fmt::join(names, ", ")));
}

// One receiver of a group, with its name.
struct Receiver {
  std::string label;
  Intervention places;
};

// "q:9.6,9.9;k:5.5": every place of the group.
std::vector<Receiver> group_of(const Request& request, const std::string& text) {
  const HookedTransformerConfig& cfg = request.model.cfg();
  const std::vector<Positions> positions = positions_at_once(request, "receiver-position");
  std::vector<Receiver> group;
  for (const std::string& part : parts_of(text, ';')) {
    const std::size_t colon = part.find(':');
    const ReceiverSite& site = receiver_site(part.substr(0, colon));
    if (colon == std::string::npos) {
      throw Error(ErrorKind::kUsage, "--receiver",
                  fmt::format("\"{}\" does not say which: write {}", part,
                              site.has_heads ? fmt::format("{}:9.6", site.name)
                                             : fmt::format("{}:9", site.name)));
    }
    for (const std::string& node : parts_of(part.substr(colon + 1), ',')) {
      Place place{.site = site.point};
      if (site.has_heads) {
        place = head_place(node, site.point, "--receiver");
        // Named as the query head that reads; keys and values may be shared.
        if (site.point != kQ && place.head >= 0 && place.head < cfg.n_heads) {
          place.head = cfg.key_value_head_of(place.head);
        }
      } else {
        place.layer = layer_of(node, "--receiver");
      }
      group.push_back({fmt::format("{}:{}", site.name, node), at_positions(cfg, place, positions)});
    }
  }
  return group;
}

struct Plan {
  std::vector<TableAxis> axes;
  std::vector<Path> paths;
};

Plan plan_of(const Request& request) {
  Senders senders = senders_of(request);
  std::vector<std::string> steps = parts_of(request.settings.text("receiver"), '>');
  const bool to_logits = steps.back() == "logits";
  if (to_logits) steps.pop_back();
  std::vector<std::vector<Receiver>> groups;
  for (const std::string& step : steps) groups.push_back(group_of(request, step));
  const bool each = request.settings.flag("each-receiver");
  if (each && groups.empty()) {
    throw Error(ErrorKind::kUsage, "--each-receiver",
                "the logits are one receiver; name several, such as q:9.6,9.9");
  }
  Plan plan{std::move(senders.axes), {}};
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

struct Work {
  std::vector<TableAxis> axes;
  PathSweep sweep;
  EffectKind effect;
  Aggregate aggregate;
};

Work work_of(const Request& request) {
  const Settings& settings = request.settings;
  static constexpr std::string_view kMlps[] = {"live", "frozen"};
  Plan plan = plan_of(request);
  return {.axes = std::move(plan.axes),
          .sweep = {.prompts = request.prompts,
                    .direction = parse_direction(settings.text("direction")),
                    .paths = std::move(plan.paths),
                    .source = {.kind = parse_source(settings.text("source")),
                               .seed = static_cast<std::uint64_t>(settings.integer(
                                   "source-seed", 0, std::numeric_limits<std::int64_t>::max())),
                               .sigma = settings.number("sigma")},
                    .metric = metrics::find(settings.text("metric")),
                    .freeze_mlps = settings.choice("mlps", kMlps) == "frozen"},
          .effect = parse_effect_kind(settings.text("effect")),
          .aggregate = parse_aggregate(settings.text("aggregate"))};
}

void check(const Request& request) { (void)work_of(request); }

EffectTable run(const Request& request) {
  Work work = work_of(request);
  SweepResult result = run_path_sweep(request.ctx, request.model, work.sweep, request.journal);
  EffectTable table;
  table.experiment = "path_patching";
  table.options = request.settings.recorded();
  table.metric = work.sweep.metric.name;
  table.direction = work.sweep.direction;
  table.axes = std::move(work.axes);
  table.axes.push_back(prompt_axis(request.prompts));
  table.values = std::move(result.values);
  table.baselines = std::move(result.baselines);
  table.columns = prompt_columns(request.model, request.prompts);
  table.effect = work.effect;
  table.aggregate = work.aggregate;
  if (result.unchanged > 0) {
    table.notes.push_back(fmt::format(
        "{} of {} paths change nothing: no path leads from there to the receivers, or what is put "
        "in is what was there",
        result.unchanged, work.sweep.paths.size()));
  }
  return table;
}

}  // namespace

const Experiment& path_patching() {
  static constexpr Experiment kExperiment = {
      .name = "path_patching",
      .summary = "what senders say to receivers along paths through no other head (direct effects)",
      .options = kOptions,
      .run = &run,
      .check = &check};
  return kExperiment;
}

}  // namespace patchbay::experiments
