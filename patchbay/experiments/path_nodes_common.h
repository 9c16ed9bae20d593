// Senders and receivers of paths, read from an experiment's settings.
#pragma once

#include <string>
#include <vector>

#include "patchbay/patching/path_patching.h"
#include "patchbay/experiments/experiment.h"

namespace patchbay::experiments {

/// The axes of a table of paths, without the prompts, and the path of each cell.
struct PathPlan {
  std::vector<TableAxis> axes;
  std::vector<Path> paths;
};

/// Reads sender, receiver, receiver-position and each-receiver; senders are patched at
/// `sender_position`. Throws kUsage for what does not exist.
PathPlan paths_of(const Request& request, std::string_view sender_position);

}  // namespace patchbay::experiments
