// Where heads look: attention from one position to others, of every prompt, clean and corrupted, as
// Wang et al. 2022 look at it to say what a head does.
#include <algorithm>
#include <limits>

#include "patchbay/base/error.h"
#include "patchbay/experiments/columns_common.h"
#include "patchbay/experiments/places_common.h"
#include "patchbay/patching/recording.h"

namespace patchbay::experiments {

const Experiment& attention_patterns();

namespace {

constexpr OptionInfo kOptions[] = {
    {"layers", "", "only these layers: 0,3-5; negative ones count from the end"},
    {"heads", "", "only these heads"},
    {"nodes", "", "instead of layers and heads: these heads, such as 9.9,10.0"},
    {"side", "both", "which runs: both, clean, corrupted"},
    {"destinations", "END",
     "where the heads look from: names or numbers of positions; all; every: all, even where "
     "prompts "
     "differ in length"},
    {"sources", "all", "where they look to, likewise"},
};

constexpr std::string_view kSides[] = {"both", "clean", "corrupted"};

struct WantedHead {
  HookName pattern;  // of its layer
  std::int64_t head;
};

struct Wanted {
  std::vector<std::string> sides;
  std::vector<TableAxis> axes;  // layer and head, or node
  std::vector<WantedHead> heads;
  PositionChoice destinations;
  PositionChoice sources;

  [[nodiscard]] std::size_t cells() const {
    return heads.size() * destinations.positions.size() * sources.positions.size();
  }
  [[nodiscard]] std::vector<HookName> patterns() const {
    std::vector<HookName> names;
    for (const WantedHead& head : heads) {
      if (std::ranges::find(names, head.pattern) == names.end()) names.push_back(head.pattern);
    }
    return names;
  }
};

// Numbers of positions from 0 to the end of the longest prompt; shorter ones have no such cells.
PositionChoice every_position(const PromptSet& prompts) {
  PositionChoice choice;
  for (std::int32_t at = 0; at < prompts.longest(); ++at) {
    choice.labels.push_back(std::to_string(at));
    choice.positions.push_back(Positions::at(at));
  }
  return choice;
}

PositionChoice choice_of(const Request& request, std::string_view option) {
  if (request.settings.text(option) == "every") return every_position(request.prompts);
  return positions_of(request, option);
}

Wanted wanted_of(const Request& request) {
  const Settings& settings = request.settings;
  const HookedTransformerConfig& cfg = request.model.cfg();
  const std::string side = settings.choice("side", kSides);
  Wanted wanted{.sides = {side},
                .axes = {},
                .heads = {},
                .destinations = choice_of(request, "destinations"),
                .sources = choice_of(request, "sources")};
  if (side == "both") wanted.sides = {"clean", "corrupted"};
  if (settings.is_given("nodes")) {
    if (settings.is_given("layers") || settings.is_given("heads")) {
      throw Error(ErrorKind::kUsage, "--nodes",
                  "nodes name their layers; leave layers and heads out");
    }
    wanted.axes = {{"node", settings.list("nodes")}};
    for (const std::string& node : wanted.axes.front().labels) {
      const Place place = head_place(node, HookPoint::kPattern, "--nodes");
      check_place(cfg, place);
      wanted.heads.push_back({{HookPoint::kPattern, place.layer}, place.head});
    }
    return wanted;
  }
  const auto layers = settings.indices("layers", cfg.n_layers);
  const auto heads = settings.indices("heads", cfg.n_heads);
  wanted.axes = {{"layer", number_labels(layers)}, {"head", number_labels(heads)}};
  for (const auto layer : layers) {
    for (const auto head : heads) {
      wanted.heads.push_back({{HookPoint::kPattern, static_cast<int>(layer)}, head});
    }
  }
  return wanted;
}

void check(const Request& request) { (void)wanted_of(request); }

// −1 when the prompt has no such position.
std::int64_t position_in(const Positions& positions, const std::vector<std::int32_t>& named,
                         std::int64_t length) {
  const std::int32_t at = positions.kind == Positions::Kind::kNamed
                              ? named[static_cast<std::size_t>(positions.index)]
                              : positions.index;
  return at < length ? at : -1;
}

// How many prompts run at once, so that their patterns take a quarter of a gigabyte at most.
std::size_t prompts_at_once(const Request& request, const Wanted& wanted) {
  constexpr std::int64_t kMostNumbers = std::int64_t{1} << 26;
  const std::int64_t length = std::max<std::int64_t>(request.prompts.longest(), 1);
  const std::int64_t per_prompt =
      std::ssize(wanted.patterns()) * request.model.cfg().n_heads * length * length;
  return static_cast<std::size_t>(std::max<std::int64_t>(kMostNumbers / per_prompt, 1));
}

// Attention of one prompt, [heads, destination, source]; NaN where it has no such position
// and where the source comes after the destination.
std::vector<double> attention(const Recording& runs, std::int64_t prompt, std::int64_t length,
                              const std::vector<std::int32_t>& named, const Wanted& wanted) {
  std::vector<double> values;
  values.reserve(wanted.cells());
  for (const auto& [pattern, head] : wanted.heads) {
    for (const Positions& destination : wanted.destinations.positions) {
      const std::int64_t query = position_in(destination, named, length);
      for (const Positions& source : wanted.sources.positions) {
        const std::int64_t key = position_in(source, named, length);
        const bool there = key >= 0 && key <= query;
        values.push_back(there ? runs.values(pattern, prompt, static_cast<std::int32_t>(query),
                                             head * length + key, 1)[0]
                               : std::numeric_limits<double>::quiet_NaN());
      }
    }
  }
  return values;
}

// Puts one side's values into the table, [heads, destination, source, prompt].
void measure(const Request& request, const Wanted& wanted, bool clean, std::span<double> values) {
  const std::vector<PromptPair>& pairs = request.prompts.pairs;
  const std::size_t step = prompts_at_once(request, wanted);
  for (std::size_t first = 0; first < pairs.size(); first += step) {
    const std::size_t last = std::min(first + step, pairs.size());
    std::vector<Prompt> tokens;
    for (std::size_t i = first; i < last; ++i) {
      tokens.push_back(clean ? pairs[i].clean : pairs[i].corrupted);
    }
    const Recording runs(request.ctx, request.model, tokens, wanted.patterns());
    for (std::size_t i = first; i < last; ++i) {
      const std::vector<double> one =
          attention(runs, static_cast<std::int64_t>(i - first), std::ssize(tokens[i - first]),
                    clean ? pairs[i].positions : pairs[i].corrupted_positions, wanted);
      for (std::size_t cell = 0; cell < one.size(); ++cell) {
        values[cell * pairs.size() + i] = one[cell];
      }
    }
    request.ctx.report_progress(static_cast<std::int64_t>(last), std::ssize(pairs));
  }
}

EffectTable run(const Request& request) {
  const PromptSet& prompts = request.prompts;
  const Wanted wanted = wanted_of(request);
  EffectTable table;
  table.experiment = "attention_patterns";
  table.options = request.settings.recorded();
  table.metric = "attention";
  table.effect = EffectKind::kRaw;
  table.axes = {{"side", wanted.sides}};
  table.axes.insert(table.axes.end(), wanted.axes.begin(), wanted.axes.end());
  table.axes.push_back({"destination", wanted.destinations.labels});
  table.axes.push_back({"source", wanted.sources.labels});
  table.axes.push_back(prompt_axis(prompts));
  table.columns = prompt_columns(request.model, prompts);
  const std::size_t per_side = wanted.cells() * prompts.pairs.size();
  table.values.resize(wanted.sides.size() * per_side);
  for (std::size_t i = 0; i < wanted.sides.size(); ++i) {
    measure(request, wanted, wanted.sides[i] == "clean",
            std::span(table.values).subspan(i * per_side, per_side));
  }
  return table;
}

}  // namespace

const Experiment& attention_patterns() {
  static constexpr Experiment kExperiment = {
      .name = "attention_patterns",
      .summary = "where heads look: attention from one position to others",
      .options = kOptions,
      .run = &run,
      .check = &check};
  return kExperiment;
}

}  // namespace patchbay::experiments
