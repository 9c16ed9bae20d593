// What a path is made of: senders, receivers and their inputs.
#pragma once

#include "patchbay/patching/path_patching.h"

namespace patchbay {

/// The activations that the senders are part of, each once, in forward order.
std::vector<HookName> sender_names(const PathSweep& sweep);

/// Whether receivers get what one component adds to another's input: skip_edge, edge, linear.
inline bool is_edge(PathMeaning meaning) {
  return meaning != PathMeaning::kEverything && meaning != PathMeaning::kHeadsFrozen;
}

/// The pieces of a path in one prompt: senders first, then each group of receivers, by the site
/// that they name. Nothing when the prompt has no such place.
std::optional<std::vector<std::vector<Piece>>> pieces_of_path(const HookedTransformerConfig& cfg,
                                                              const Path& path,
                                                              const PairSides& sides);

}  // namespace patchbay
