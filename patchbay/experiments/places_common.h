// Where activation patching patches: the axes of its table and the places of each cell.
#pragma once

#include <vector>

#include "patchbay/experiments/activation_patching.h"

namespace patchbay::experiments {

/// Whether heads of the site are key/value heads that several query heads share in this model.
bool has_shared_heads(const HookedTransformerConfig& cfg, HookPoint site);

struct Places {
  std::vector<TableAxis> axes;      ///< without the prompts
  std::vector<Intervention> cells;  ///< [axes…] row-major; empty where the model has no such place
};

/// Reads site, axes, layers, heads, positions, src-positions, neurons and nodes. Throws FieldError
/// for what does not exist and for an axis of positions over prompts of different lengths.
Places places_of(Session& session, const ActivationPatching& settings);

}  // namespace patchbay::experiments
