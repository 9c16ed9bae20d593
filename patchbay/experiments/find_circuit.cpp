// Finds the heads that do a task, the paths between them, how much of the task they do alone, and
// how far all this depends on the prompts at hand.
#include <fmt/format.h>

#include <algorithm>

#include "patchbay/base/error.h"
#include "patchbay/circuits/circuit_search.h"
#include "patchbay/experiments/circuit_common.h"
#include "patchbay/results/statistics.h"

namespace patchbay::experiments {

const Experiment& find_circuit();

namespace {

constexpr OptionInfo kOptions[] = {
    {"threshold", "5",
     "percent of the clean metric that a path must change, up or down, for its sender to count"},
    {"max-nodes", "30", "how many heads at positions the circuit may have"},
    {"max-steps", "6", "how far back from the logits"},
    {"samples", "2", "2: also search each half of the prompts, to see what varies; 1: do not"},
    kKnockoutMetricOption,
    {"source", "mean_by_template",
     "what other heads put out when the circuit's faithfulness is measured"},
    {"source-seed", "0", "of resample"}};

struct Work {
  CircuitSearch search;
  KnockoutSettings settings;
  bool halves;
};

Work work_of(const Request& request) {
  const Settings& settings = request.settings;
  Work work{.search = {.metric = metrics::find(settings.text("metric")),
                       .threshold = settings.number("threshold"),
                       .most_nodes = settings.integer("max-nodes", 1, 10'000),
                       .most_steps = settings.integer("max-steps", 1, 1000)},
            .settings = knockout_settings_of(request, false),
            .halves = settings.integer("samples", 1, 2) == 2 && request.prompts.size() >= 4};
  if (work.search.threshold <= 0.0) {
    throw Error(ErrorKind::kUsage, "--threshold",
                "must be more than 0 percent; 5 is the usual one");
  }
  return work;
}

void check(const Request& request) { (void)work_of(request); }

// Every other prompt, from the first or from the second on.
PromptSet half_of(const PromptSet& prompts, std::size_t first) {
  PromptSet half = prompts;
  half.pairs.clear();
  for (std::size_t i = first; i < prompts.pairs.size(); i += 2) {
    half.pairs.push_back(prompts.pairs[i]);
  }
  return half;
}

// What a circuit does alone on some prompts, as a sentence.
std::string faithfulness_text(const Session& session, const KnockoutSettings& settings,
                              const CircuitNodes& nodes) {
  Knockouts knockouts(session, settings);
  knockouts.add_circuit(nodes);
  knockouts.add_circuit({});
  knockouts.run();
  EffectTable table;
  table.direction = Direction::kNoise;
  table.axes = {{"kept", {"circuit", "no head"}}, prompt_axis(session.prompts())};
  for (const std::size_t number : {std::size_t{0}, std::size_t{1}}) {
    const std::vector<double> values = knockouts.values(number);
    table.values.insert(table.values.end(), values.begin(), values.end());
  }
  table.baselines = knockouts.baselines();
  const auto percent = summarize(table, EffectKind::kPercentOfClean, Aggregate::kRatioOfMeans);
  return fmt::format(
      "{:.1f} % of the clean {} (95 % interval {:.1f} … {:.1f}); without any head "
      "{:.1f} %",
      100.0 + percent[0].value, settings.metric.name, 100.0 + percent[0].low,
      100.0 + percent[0].high, 100.0 + percent[1].value);
}

std::string node_list(const CircuitNodes& nodes, const PromptSet& prompts) {
  const std::string text = text_of(nodes, prompts);
  return text.empty() ? "none" : text;
}

// Searches both halves of the prompts, and measures each half's circuit on the other.
void add_variation(const Session& session, const Work& work, std::vector<std::string>& notes) {
  const PromptSet halves[] = {half_of(session.prompts(), 0), half_of(session.prompts(), 1)};
  CircuitNodes found[2];
  for (std::size_t i = 0; i < 2; ++i) {
    found[i] = patchbay::find_circuit(session.with(halves[i]), work.search).nodes;
  }
  CircuitNodes both;
  CircuitNodes one;
  std::ranges::set_intersection(found[0], found[1], std::inserter(both, both.end()));
  std::ranges::set_symmetric_difference(found[0], found[1], std::inserter(one, one.end()));
  notes.push_back(fmt::format(
      "searched in each half of the prompts: {} and {} nodes, {} in both; in one half alone: {}",
      found[0].size(), found[1].size(), both.size(), node_list(one, session.prompts())));
  for (std::size_t i = 0; i < 2; ++i) {
    if (found[i].empty()) continue;
    notes.push_back(
        fmt::format("the circuit of half {} alone, on the prompts of the other: {}", i + 1,
                    faithfulness_text(session.with(halves[1 - i]), work.settings, found[i])));
  }
}

EffectTable run(const Request& request) {
  const Work work = work_of(request);
  const Session session(request.ctx, request.model, request.prompts, request.store);
  FoundCircuit found = patchbay::find_circuit(session, work.search);
  if (found.edges.empty()) {
    throw Error(ErrorKind::kUsage, "--threshold",
                fmt::format("no path from a head to the logits changes {} by {} percent; try a "
                            "lower threshold, or more prompts where the interval holds 0",
                            work.search.metric.name, work.search.threshold));
  }
  EffectTable table = knockout_table(request, "find_circuit", work.settings, found.baselines);
  table.direction = Direction::kNoise;
  table.effect = EffectKind::kPercentOfClean;
  TableAxis axis{"edge", {}};
  for (const CircuitEdge& edge : found.edges) axis.labels.push_back(patchbay::text_of(edge));
  table.axes = {std::move(axis), prompt_axis(request.prompts)};
  table.values = std::move(found.values);
  table.notes.push_back(fmt::format("{} heads at positions: {}", found.nodes.size(),
                                    node_list(found.nodes, request.prompts)));
  table.notes.push_back(fmt::format(
      "alone, with MLPs kept and other heads' outputs replaced by {}: {}",
      name_of(work.settings.source.kind), faithfulness_text(session, work.settings, found.nodes)));
  if (work.halves) add_variation(session, work, table.notes);
  return table;
}

}  // namespace

const Experiment& find_circuit() {
  static constexpr Experiment kExperiment = {
      .name = "find_circuit",
      .summary = "the heads that do a task and the paths between them, from the logits backwards",
      .options = kOptions,
      .run = &run,
      .check = &check};
  return kExperiment;
}

}  // namespace patchbay::experiments
