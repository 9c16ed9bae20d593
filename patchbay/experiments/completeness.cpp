#include "patchbay/experiments/completeness.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "patchbay/base/split_mix.h"
#include "patchbay/experiments/circuit_common.h"
#include "patchbay/experiments/columns_common.h"

namespace patchbay::experiments {
namespace {

// F(M \ K) and F(C \ K) of one set K.
struct Pair {
  std::size_t model;
  std::size_t circuit;
};

class Sets {
 public:
  Sets(Session& session, const CircuitKnockouts& parts)
      : prompts_(session.prompts()),
        all_(nodes_of(parts.circuit, session.model().cfg(), session.prompts())),
        knockouts_(session, parts.settings) {}

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

  EffectTable table(Session& session, const Completeness& settings, const CircuitKnockouts& parts) {
    EffectTable table =
        knockout_table(session, table_of(settings), parts, knockouts_.baselines(), all_);
    for (const Pair& pair : kept_) {
      append_difference(knockouts_.values(pair.model), knockouts_.values(pair.circuit),
                        table.values);
    }
    table.axes = {{"removed", labels_},
                  {"from", {"model", "circuit", "circuit - model"}},
                  prompt_axis(prompts_)};
    note_lone_templates(table, prompts_);
    return table;
  }

 private:
  const PromptSet& prompts_;
  CircuitNodes all_;
  Knockouts knockouts_;
  std::vector<std::string> labels_;
  std::vector<Pair> kept_;
};

// Algorithm of the paper's appendix: from nothing, again and again the candidate that makes the gap
// largest is taken away too. All searches take their steps together.
void search_greedily(const Completeness& settings, SplitMix64& random, Sets& sets) {
  struct Try {
    CircuitNodes removed;
    Pair pair;
  };
  const std::vector<CircuitNode> all(sets.all().begin(), sets.all().end());
  std::vector<Try> best(static_cast<std::size_t>(settings.samples));
  const std::int64_t rounds = std::min(settings.rounds, std::ssize(all));
  for (std::int64_t round = 0; round < rounds; ++round) {
    std::vector<std::vector<Try>> tries(best.size());
    for (std::size_t sample = 0; sample < best.size(); ++sample) {
      std::vector<CircuitNode> left;
      std::ranges::copy_if(all, std::back_inserter(left), [&](const CircuitNode& node) {
        return !best[sample].removed.contains(node);
      });
      for (std::int64_t i = 0; i < settings.candidates && !left.empty(); ++i) {
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

}  // namespace

void check(Session& session, const Completeness& settings) {
  (void)circuit_knockouts(session, settings);
}

EffectTable run(Session& session, const Completeness& settings) {
  const CircuitKnockouts parts = circuit_knockouts(session, settings);
  const bool is_one = settings.rounds == 0 || settings.samples == 0;
  Session asked = is_one ? session : session.for_several_questions();
  Sets sets(asked, parts);
  SplitMix64 random(settings.set_seed);
  sets.keep("nothing", sets.add({}));
  for (const HeadClass& one : parts.circuit.classes) {
    const auto nodes = nodes_of(one, session.model().cfg(), session.prompts());
    sets.keep(one.name, sets.add(CircuitNodes(nodes.begin(), nodes.end())));
  }
  for (std::int64_t i = 0; i < settings.random; ++i) {
    CircuitNodes removed;
    for (const CircuitNode& node : sets.all()) {
      if (random.below(2) == 0) removed.insert(node);
    }
    sets.keep(fmt::format("random {}: {}", i + 1, sets.text(removed)), sets.add(removed));
  }
  sets.run();
  search_greedily(settings, random, sets);
  return sets.table(session, settings, parts);
}

const Experiment& completeness() { return experiment_of<Completeness>(); }

}  // namespace patchbay::experiments
