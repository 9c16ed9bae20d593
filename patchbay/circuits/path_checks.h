// What the engine of path patching and its twin share.
#pragma once

#include "patchbay/circuits/path_patching.h"

namespace patchbay {

/// The senders as a sweep of activation patching: its prompts, source and metric are the paths'.
Sweep sweep_of_senders(const PathSweep& sweep);

/// Throws kUsage for what no path sweep can run.
void check_path_sweep(const HookedTransformer& model, const PathSweep& sweep);

/// Where what a receiver read of the stream is put in: hook_q_input and its like for queries, keys
/// and values, which heads read each for itself, else the receiver's own place.
HookPoint input_of(HookPoint receiver);

/// The pieces of a path in one prompt: senders first, then each group of receivers, by the site
/// that they name. Nothing when the prompt has no such place.
std::optional<std::vector<std::vector<Piece>>> pieces_of_path(const HookedTransformerConfig& cfg,
                                                              const Path& path,
                                                              const PairSides& sides);

/// Whether replays can say what the sweep asks.
bool can_replay(const PathSweep& sweep);

}  // namespace patchbay
