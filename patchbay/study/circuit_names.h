// Heads by role, for studies that run on any model: a published circuit on the model that it is of,
// the circuit that an earlier step found on others.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "patchbay/circuits/circuit.h"

namespace patchbay {

/// What a study says about its circuit.
struct StudyCircuit {
  std::string published;  ///< the circuit of the reference model: "paper"
  std::string found_by;   ///< the id of the step, a find_circuit, that finds it on other models
  /// Which found heads stand in for a published class: how many steps they are from the logits, and
  /// where. "S-inhibition" = "2 @ END".
  struct Role {
    int steps = 0;
    std::string position;
  };
  std::map<std::string, Role> roles;
};

/// Throws kUsage for what is not of the form "2 @ END".
StudyCircuit::Role parse_role(const std::string& text);

/// Fills the braces of a step's settings: "{circuit}" with the circuit, "{S-inhibition}" with its
/// heads, "7.3,7.9".
class CircuitNames {
 public:
  CircuitNames(const StudyCircuit& study, const HookedTransformerConfig& cfg, bool is_reference);

  /// The table of the step that finds the circuit.
  void find_in(const EffectTable& table);
  /// Whether these settings name heads that only a circuit knows.
  static bool has_names(const std::map<std::string, std::string>& settings);

  using Settings = std::map<std::string, std::string>;
  /// The settings filled. Nothing when there is no circuit, or none of its heads has a role;
  /// `missing` is then the name in the braces.
  [[nodiscard]] std::optional<Settings> filled(const Settings& settings,
                                               std::string& missing) const;
  /// Filled with the last head of the model, so that they can be checked before anything is found.
  [[nodiscard]] Settings with_stand_ins(const Settings& settings) const;

 private:
  template <class Fill>
  static Settings fill(const Settings& settings, const Fill& fill);
  [[nodiscard]] std::string heads_of(const std::string& role) const;

  const StudyCircuit& study_;
  const HookedTransformerConfig& cfg_;
  bool is_reference_;
  std::optional<EffectTable> found_;
};

}  // namespace patchbay
