// Senders and receivers of paths, read from the settings of path patching.
#pragma once

#include <vector>

#include "patchbay/experiments/path_patching.h"

namespace patchbay::experiments {

/// The axes of a table of paths, without the prompts, and the path of each cell.
struct PathPlan {
  std::vector<TableAxis> axes;
  std::vector<Path> paths;
};

/// Reads sender, receiver, receiver-position and each-receiver; senders are patched at
/// `sender_position`. Throws FieldError for what does not exist.
PathPlan paths_of(Session& session, const PathPatching& settings,
                  const PositionList& sender_position);

}  // namespace patchbay::experiments
