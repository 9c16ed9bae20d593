// Finding a circuit: from the logits backwards, by path patching to whatever was found before.
#pragma once

#include <vector>

#include "patchbay/circuits/knockout.h"
#include "patchbay/patching/session.h"
#include "patchbay/results/circuit_graph.h"

namespace patchbay {

struct CircuitSearch {
  const metrics::Metric& metric;
  /// A head belongs to the circuit when the path from it changes the metric by this many percent of
  /// the clean value, up or down, and the bootstrap interval of that does not hold 0.
  double threshold = 5.0;
  /// The strongest are taken first when there are more.
  std::int64_t most_nodes = 30;
  std::int64_t most_steps = 6;  ///< from the logits
};

struct FoundCircuit {
  CircuitNodes nodes;
  std::vector<CircuitEdge> edges;
  std::vector<double> values;  ///< [edge, prompt] the metric after patching the edge alone
  Baselines baselines;
};

/// Step by step, from the logits at END: the heads whose paths (through no other head) to the
/// receivers of the step before matter. A head is found at the position where it is read: queries
/// read where the receiver acts, keys and values at each of the prompts' named positions and at all
/// others together ("elsewhere"), or at all positions at once where only END is named. An input of
/// a group of receivers (their queries, their keys at one position, …) is searched when replacing
/// it whole by the other run's matters as much.
///
/// Of eight prompts or more the first four decide which senders are tried on the rest: those whose
/// effect there, up or down by its 95 % interval, could reach the threshold.
///
/// The direction is noise: corrupted values in the clean run. Receivers of one step at one position
/// are patched together to find senders, as the paper does; then each edge is measured alone, and
/// kept when it passes the threshold or is its sender's strongest.
FoundCircuit find_circuit(const Session& session, const CircuitSearch& search);

}  // namespace patchbay
