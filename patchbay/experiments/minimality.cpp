// Minimality (Wang et al. 2022, section 4.2): whether a circuit needs each of its heads. For a head
// v there should be a set K of other heads such that the circuit without K changes much when v goes
// too.
#include <fmt/format.h>

#include <algorithm>

#include "patchbay/experiments/circuit_common.h"

namespace patchbay::experiments {

const Experiment& minimality();

namespace {

constexpr OptionInfo kOptions[] = {
    kCircuitOption,
    kKnockoutSourceOption,
    kKnockoutSeedOption,
    kKnockoutMetricOption,
    kMlpsOption,
    {"k", "found",
     "what is away already: found: nothing or the rest of the head's class, whichever shows more "
     "of it; rest: the rest of its class; published: the sets of the paper's figure 20"}};

constexpr std::string_view kKinds[] = {"found", "rest", "published"};

struct Work {
  Circuit circuit;
  KnockoutSettings settings;
  std::string k;
};

Work work_of(const Request& request) {
  Work work{.circuit = circuit_of(request),
            .settings = knockout_settings_of(request, true),
            .k = request.settings.choice("k", kKinds)};
  if (work.k == "published") (void)published_circuit("paper", request.model.cfg());
  return work;
}

void check(const Request& request) { (void)work_of(request); }

// One choice of K for one node: F(C \ K) and F(C \ (K ∪ {v})).
struct Choice {
  CircuitNodes k;
  std::size_t without_k;
  std::size_t without_both;
};

CircuitNodes less(CircuitNodes nodes, const CircuitNodes& removed) {
  for (const CircuitNode& node : removed) nodes.erase(node);
  return nodes;
}

// The sets K to try for a node.
std::vector<CircuitNodes> sets_of(const std::string& kind, const CircuitNode& node,
                                  const CircuitNodes& own_class, const CircuitNodes& all) {
  if (kind == "published") {
    CircuitNodes k;
    const std::vector<Head> heads = published_minimality_set(node.head);
    std::ranges::copy_if(all, std::inserter(k, k.end()), [&](const CircuitNode& other) {
      return std::ranges::find(heads, other.head) != heads.end();
    });
    return {k};
  }
  const CircuitNodes rest = less(own_class, {node});
  if (kind == "rest" || rest.empty()) return {rest};
  return {{}, rest};
}

EffectTable run(const Request& request) {
  const Work work = work_of(request);
  const HookedTransformerConfig& cfg = request.model.cfg();
  const PromptSet& prompts = request.prompts;
  const CircuitNodes all = nodes_of(work.circuit, cfg, prompts);
  const Session session(request.ctx, request.model, prompts, request.store);
  Knockouts knockouts(session, work.settings);
  std::map<CircuitNodes, std::size_t> circuits;  // by what is left: sets share runs
  const auto add = [&](const CircuitNodes& left) {
    const auto known = circuits.find(left);
    if (known != circuits.end()) return known->second;
    return circuits[left] = knockouts.add_circuit(left);
  };
  std::vector<std::string> labels;
  std::vector<std::vector<Choice>> choices;
  for (const HeadClass& one : work.circuit.classes) {
    const std::vector<CircuitNode> nodes = nodes_of(one, cfg, prompts);
    for (const CircuitNode& node : nodes) {
      labels.push_back(fmt::format("{} ({})", patchbay::text_of(node, prompts), one.name));
      choices.emplace_back();
      for (const CircuitNodes& k : sets_of(work.k, node, {nodes.begin(), nodes.end()}, all)) {
        const CircuitNodes left = less(all, k);
        choices.back().push_back({k, add(left), add(less(left, {node}))});
      }
    }
  }
  knockouts.run();
  EffectTable table = knockout_table(request, "minimality", work.settings, knockouts.baselines());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const Choice& shown = *std::ranges::max_element(choices[i], {}, [&](const Choice& choice) {
      return total_change(knockouts.values(choice.without_k),
                          knockouts.values(choice.without_both));
    });
    append_difference(knockouts.values(shown.without_k), knockouts.values(shown.without_both),
                      table.values);
    const std::string k = text_of(shown.k, prompts);
    table.notes.push_back(fmt::format("{}: K = {}", labels[i], k.empty() ? "nothing" : k));
  }
  table.axes = {{"node", labels},
                {"circuit", {"without K", "without K and the node", "change"}},
                prompt_axis(prompts)};
  return table;
}

}  // namespace

const Experiment& minimality() {
  static constexpr Experiment kExperiment = {.name = "minimality",
                                             .summary = "whether a circuit needs each of its heads",
                                             .options = kOptions,
                                             .run = &run,
                                             .check = &check,
                                             .can_be_sharded = true};
  return kExperiment;
}

}  // namespace patchbay::experiments
