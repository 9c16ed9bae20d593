// Completeness (Wang et al. 2022, section 4.1): whether a circuit and the model react alike when
// the same heads are taken from both. Sets are the circuit's classes, random subsets, and those
// that a greedy search finds to tell the two apart.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "patchbay/base/split_mix.h"
#include "patchbay/experiments/circuit_common.h"

namespace patchbay::experiments {

const Experiment& completeness();

namespace {

constexpr OptionInfo kOptions[] = {
    kCircuitOption,
    kKnockoutSourceOption,
    kKnockoutSeedOption,
    kKnockoutMetricOption,
    kMlpsOption,
    {"random", "5", "how many random subsets; each node is in with probability 1/2"},
    {"rounds", "3", "of a greedy search: how many nodes it takes away; the paper's 10"},
    {"candidates", "5", "of a greedy search: how many nodes it tries for each; the paper's 10"},
    {"samples", "5", "how many greedy searches; the paper's 10"},
    {"set-seed", "0", "of random subsets and candidates"}};

struct Work {
  Circuit circuit;
  KnockoutSettings settings;
  std::int64_t random;
  std::int64_t rounds;
  std::int64_t candidates;
  std::int64_t samples;
  std::uint64_t seed;
};

Work work_of(const Request& request) {
  const Settings& settings = request.settings;
  constexpr std::int64_t kMost = 1000;
  return {.circuit = circuit_of(request),
          .settings = knockout_settings_of(request, true),
          .random = settings.integer("random", 0, kMost),
          .rounds = settings.integer("rounds", 0, kMost),
          .candidates = settings.integer("candidates", 1, kMost),
          .samples = settings.integer("samples", 0, kMost),
          .seed = static_cast<std::uint64_t>(
              settings.integer("set-seed", 0, std::numeric_limits<std::int64_t>::max()))};
}

void check(const Request& request) { (void)work_of(request); }

// F(M \ K) and F(C \ K) of one set K.
struct Pair {
  std::size_t model;
  std::size_t circuit;
};

class Sets {
 public:
  Sets(const Request& request, const Work& work)
      : prompts_(request.prompts),
        all_(nodes_of(work.circuit, request.model.cfg(), request.prompts)),
        session_(request.ctx, request.model, request.prompts, request.store),
        knockouts_(session_, work.settings) {}

  [[nodiscard]] const CircuitNodes& all() const { return all_; }

  // To be run with the next run().
  Pair add(const CircuitNodes& removed) {
    CircuitNodes rest = all_;
    for (const CircuitNode& node : removed) rest.erase(node);
    const std::size_t model = knockouts_.add_model_without(removed);
    return {model, knockouts_.add_circuit(rest)};
  }
  void run() { knockouts_.run(); }

  // How far the two are apart.
  [[nodiscard]] double gap(const Pair& pair) const {
    return total_change(knockouts_.values(pair.model), knockouts_.values(pair.circuit));
  }

  void keep(const std::string& label, const Pair& pair) {
    labels_.push_back(label);
    kept_.push_back(pair);
  }
  [[nodiscard]] std::string text(const CircuitNodes& nodes) const {
    return text_of(nodes, prompts_);
  }

  EffectTable table(const Request& request, const Work& work) {
    EffectTable table =
        knockout_table(request, "completeness", work.settings, knockouts_.baselines());
    for (const Pair& pair : kept_) {
      append_difference(knockouts_.values(pair.model), knockouts_.values(pair.circuit),
                        table.values);
    }
    table.axes = {{"removed", labels_},
                  {"from", {"model", "circuit", "circuit - model"}},
                  prompt_axis(prompts_)};
    return table;
  }

 private:
  const PromptSet& prompts_;
  CircuitNodes all_;
  Session session_;
  Knockouts knockouts_;
  std::vector<std::string> labels_;
  std::vector<Pair> kept_;
};

// Algorithm of the paper's appendix: from nothing, again and again the candidate that makes the gap
// largest is taken away too. All searches take their steps together.
void search_greedily(const Work& work, SplitMix64& random, Sets& sets) {
  struct Try {
    CircuitNodes removed;
    Pair pair;
  };
  const std::vector<CircuitNode> all(sets.all().begin(), sets.all().end());
  std::vector<Try> best(static_cast<std::size_t>(work.samples));
  const std::int64_t rounds = std::min(work.rounds, std::ssize(all));
  for (std::int64_t round = 0; round < rounds; ++round) {
    std::vector<std::vector<Try>> tries(best.size());
    for (std::size_t sample = 0; sample < best.size(); ++sample) {
      std::vector<CircuitNode> left;
      std::ranges::copy_if(all, std::back_inserter(left), [&](const CircuitNode& node) {
        return !best[sample].removed.contains(node);
      });
      for (std::int64_t i = 0; i < work.candidates && !left.empty(); ++i) {
        const auto at = static_cast<std::ptrdiff_t>(random.below(left.size()));
        Try next{best[sample].removed, {}};
        next.removed.insert(left[static_cast<std::size_t>(at)]);
        left.erase(left.begin() + at);
        next.pair = sets.add(next.removed);
        tries[sample].push_back(std::move(next));
      }
    }
    sets.run();
    for (std::size_t sample = 0; sample < best.size(); ++sample) {
      best[sample] = *std::ranges::max_element(tries[sample], {},
                                               [&](const Try& one) { return sets.gap(one.pair); });
    }
  }
  for (std::size_t sample = 0; sample < best.size() && rounds > 0; ++sample) {
    sets.keep(fmt::format("greedy {}: {}", sample + 1, sets.text(best[sample].removed)),
              best[sample].pair);
  }
}

EffectTable run(const Request& request) {
  const Work work = work_of(request);
  Sets sets(request, work);
  SplitMix64 random(work.seed);
  sets.keep("nothing", sets.add({}));
  for (const HeadClass& one : work.circuit.classes) {
    const auto nodes = nodes_of(one, request.model.cfg(), request.prompts);
    sets.keep(one.name, sets.add(CircuitNodes(nodes.begin(), nodes.end())));
  }
  for (std::int64_t i = 0; i < work.random; ++i) {
    CircuitNodes removed;
    for (const CircuitNode& node : sets.all()) {
      if (random.below(2) == 0) removed.insert(node);
    }
    sets.keep(fmt::format("random {}: {}", i + 1, sets.text(removed)), sets.add(removed));
  }
  sets.run();
  search_greedily(work, random, sets);
  return sets.table(request, work);
}

}  // namespace

const Experiment& completeness() {
  static constexpr Experiment kExperiment = {
      .name = "completeness",
      .summary = "whether circuit and model react alike when the same heads are taken from both",
      .options = kOptions,
      .run = &run,
      .check = &check};
  return kExperiment;
}

}  // namespace patchbay::experiments
