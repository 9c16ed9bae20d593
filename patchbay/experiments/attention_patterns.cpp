// Where heads look: attention from one position to others, of every prompt, clean and corrupted, as
// Wang et al. 2022 look at it to say what a head does.
#include <algorithm>
#include <limits>

#include "patchbay/experiments/columns_common.h"
#include "patchbay/experiments/places_common.h"
#include "patchbay/patching/recorded_runs.h"

namespace patchbay::experiments {

const Experiment& attention_patterns();

namespace {

constexpr OptionInfo kOptions[] = {
    {"layers", "", "only these layers: 0,3-5; negative ones count from the end"},
    {"heads", "", "only these heads"},
    {"destinations", "END", "where the heads look from: names or numbers of positions; all"},
    {"sources", "all", "where they look to: names or numbers of positions; all"},
};

struct Wanted {
  std::vector<HookName> patterns;  // of the layers
  std::vector<std::int64_t> heads;
  PositionChoice destinations;
  PositionChoice sources;

  [[nodiscard]] std::size_t cells() const {
    return patterns.size() * heads.size() * destinations.positions.size() *
           sources.positions.size();
  }
};

Wanted wanted_of(const Request& request) {
  Wanted wanted{.patterns = {},
                .heads = request.settings.indices("heads", request.model.cfg().n_heads),
                .destinations = positions_of(request, "destinations"),
                .sources = positions_of(request, "sources")};
  for (const auto layer : request.settings.indices("layers", request.model.cfg().n_layers)) {
    wanted.patterns.push_back({HookPoint::kPattern, static_cast<int>(layer)});
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
      std::ssize(wanted.patterns) * request.model.cfg().n_heads * length * length;
  return static_cast<std::size_t>(std::max<std::int64_t>(kMostNumbers / per_prompt, 1));
}

// Attention of one prompt, [layer, head, destination, source]; NaN where it has no such position
// and where the source comes after the destination.
std::vector<double> attention(const RecordedRuns& runs, std::int64_t prompt, std::int64_t length,
                              const std::vector<std::int32_t>& named, const Wanted& wanted) {
  std::vector<double> values;
  values.reserve(wanted.cells());
  for (const HookName& pattern : wanted.patterns) {
    for (const std::int64_t head : wanted.heads) {
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
  }
  return values;
}

// Puts one side's values into the table, [layer, head, destination, source, prompt].
void measure(const Request& request, const Wanted& wanted, bool clean, std::span<double> values) {
  const std::vector<PromptPair>& pairs = request.prompts.pairs;
  const std::size_t step = prompts_at_once(request, wanted);
  for (std::size_t first = 0; first < pairs.size(); first += step) {
    const std::size_t last = std::min(first + step, pairs.size());
    std::vector<Prompt> tokens;
    for (std::size_t i = first; i < last; ++i) {
      tokens.push_back(clean ? pairs[i].clean : pairs[i].corrupted);
    }
    const RecordedRuns runs(request.ctx, request.model, tokens, wanted.patterns);
    for (std::size_t i = first; i < last; ++i) {
      const std::vector<double> one =
          attention(runs, static_cast<std::int64_t>(i - first), std::ssize(tokens[i - first]),
                    clean ? pairs[i].positions : pairs[i].corrupted_positions, wanted);
      for (std::size_t cell = 0; cell < one.size(); ++cell) {
        values[cell * pairs.size() + i] = one[cell];
      }
    }
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
  TableAxis layers{"layer", {}};
  for (const HookName& pattern : wanted.patterns) {
    layers.labels.push_back(std::to_string(pattern.layer));
  }
  table.axes = {{"side", {"clean", "corrupted"}},      std::move(layers),
                {"head", number_labels(wanted.heads)}, {"destination", wanted.destinations.labels},
                {"source", wanted.sources.labels},     prompt_axis(prompts)};
  table.columns = prompt_columns(request.model, prompts);
  const std::size_t per_side = wanted.cells() * prompts.pairs.size();
  table.values.resize(2 * per_side);
  measure(request, wanted, true, std::span(table.values).first(per_side));
  measure(request, wanted, false, std::span(table.values).last(per_side));
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
