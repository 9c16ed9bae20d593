// Circuits: which heads, at which positions, do a task.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/config/hooked_transformer_config.h"
#include "patchbay/results/effect_table.h"

namespace patchbay {

/// A head: "9.6" is head 6 of layer 9.
struct Head {
  int layer = 0;
  std::int64_t head = 0;
  auto operator<=>(const Head&) const = default;
};

std::string text_of(const Head& head);
/// The head that a text such as "9.6" names; nothing for any other text.
std::optional<Head> parse_head(std::string_view text);
/// `; did you mean "9.6"?` for a text that is nearly a head or nearly heads: "9,6", "L9H6",
/// "9.6,9.9". Nothing when it is not.
std::string near_head(std::string_view text);

/// Heads that do one job at the same positions.
struct HeadClass {
  std::string name;                    ///< "name mover"
  std::vector<Head> heads;             ///< at least one
  std::vector<std::string> positions;  ///< names of the task, or "elsewhere"; empty: all
  int steps = 0;                       ///< from the logits, where that was found; 0: unknown
};

/// A circuit for a task.
struct Circuit {
  std::vector<HeadClass> classes;
};

/// Reads "name mover: 9.9 9.6 10.0 @ END; previous token: 2.2 4.11 @ S1+1": classes between
/// semicolons, each with a name if there is a colon, heads, and positions after an @ (all positions
/// without). Throws kUsage that quotes what cannot be read.
Circuit parse_circuit(std::string_view text);
/// The same the other way.
std::string text_of(const Circuit& circuit);

/// A published circuit of GPT-2 small: "paper", "naive" or "lab". Throws kUsage with the nearest
/// name, and for a model of other sizes, whose heads have other jobs under the same numbers.
Circuit published_circuit(std::string_view name, const HookedTransformerConfig& cfg);
/// The same heads, whatever model they are taken for. Throws kUsage with the nearest name.
Circuit published_circuit(std::string_view name);
std::vector<std::string> published_circuit_names();
bool is_gpt2_small(const HookedTransformerConfig& cfg);

/// The other nodes that the paper takes away when it shows that a head is needed (Wang et al. 2022,
/// figure 20): heads of the paper's circuit.
std::vector<Head> published_minimality_set(const Head& head);

/// The circuit in a table of find_circuit: the senders of its edges. A class for each position and
/// each distance from the logits. Throws kBadData for a table without edges.
Circuit circuit_of(const EffectTable& table);

}  // namespace patchbay
