// Knockouts (Wang et al. 2022, section 4): what a model still does when some heads, or all but a
// circuit, put out an average instead of their own values.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "patchbay/circuits/circuit.h"
#include "patchbay/patching/session.h"

namespace patchbay {

/// One head at one named position; kEverywhere for one that acts at all positions, kElsewhere for
/// one at those without a name.
struct CircuitNode {
  static constexpr std::size_t kEverywhere = static_cast<std::size_t>(-1);
  static constexpr std::size_t kElsewhere = static_cast<std::size_t>(-2);

  Head head;
  NamedPosition position = kEverywhere;
  auto operator<=>(const CircuitNode&) const = default;
};

using CircuitNodes = std::set<CircuitNode>;

/// "9.9@END", "9.9@elsewhere", "9.9".
std::string text_of(const CircuitNode& node, const PromptSet& prompts);
/// Where a node's position is in the prompts.
Positions positions_of(const NamedPosition& position, const PromptSet& prompts);

/// The nodes of one class, in its order; those of a circuit. Throws kUsage for heads that the model
/// does not have and for positions that the prompts do not name.
std::vector<CircuitNode> nodes_of(const HeadClass& one, const HookedTransformerConfig& cfg,
                                  const PromptSet& prompts);
CircuitNodes nodes_of(const Circuit& circuit, const HookedTransformerConfig& cfg,
                      const PromptSet& prompts);

/// Every head put out of action but these nodes: heads at other positions than theirs too.
Intervention all_but(const HookedTransformerConfig& cfg, const CircuitNodes& kept);
/// These nodes put out of action, the rest of the model whole.
Intervention only(const CircuitNodes& nodes, const PromptSet& prompts);

/// What takes the place of the heads' outputs (z), and what is measured.
struct KnockoutSettings {
  Source source{.kind = SourceKind::kMeanByTemplate};
  const metrics::Metric& metric;
  bool ablate_mlps = false;  ///< all_but puts MLPs out of action too; they are kept else
};

/// The metric of a model under knockouts of heads. All runs are of the clean prompts.
class Knockouts {
 public:
  /// The session must outlive it.
  Knockouts(const Session& session, const KnockoutSettings& settings)
      : session_(session), settings_(settings) {}

  /// What is left of a circuit, F(C), and of a model without some nodes, F(M \ K): planned in any
  /// order and run together.
  std::size_t add_circuit(const CircuitNodes& kept);
  std::size_t add_model_without(const CircuitNodes& nodes);
  /// Runs what was added since the last time.
  void run();
  /// [prompt], by what add_… returned. Throws kUsage for what was not run yet.
  [[nodiscard]] std::vector<double> values(std::size_t number) const;
  /// The metric of a whole model, F(M), and of the corrupted prompts, [prompt], after a run.
  [[nodiscard]] const Baselines& baselines() const { return baselines_; }

 private:
  std::size_t add(Intervention intervention);
  void check_nodes(const CircuitNodes& nodes) const;

  const Session& session_;
  KnockoutSettings settings_;
  std::vector<Intervention> waiting_;
  std::vector<double> values_;  // [number, prompt]
  std::size_t numbers_ = 0;
  Baselines baselines_;
};

}  // namespace patchbay
