// Where to patch, read from an experiment's settings: the axes of a table and the places of each
// cell.
#pragma once

#include <vector>

#include "patchbay/experiments/experiment.h"
#include "patchbay/patching/intervention.h"

namespace patchbay::experiments {

struct Places {
  std::vector<TableAxis> axes;      ///< without the prompts
  std::vector<Intervention> cells;  ///< [axes…] row-major; empty where the model has no such place
};

/// Reads site, axes, layers, heads, positions, sources, neurons and nodes. Throws kUsage for names
/// that do not exist and for an axis of positions over prompts of different lengths.
Places places_of(const Request& request);

/// Positions by number or by name; all of the prompts when nothing is said.
struct PositionChoice {
  std::vector<std::string> labels;
  std::vector<Positions> positions;
};
PositionChoice positions_of(const Request& request, std::string_view option);
/// The same for what has no axis of positions: one entry for all positions when nothing is said.
std::vector<Positions> positions_at_once(const Request& request, std::string_view option);
/// The same of this list, which `option` says or stands for.
std::vector<Positions> positions_at_once(const Request& request, std::string_view option,
                                         std::string_view list);

/// The point that the command calls so: any of a block that takes row edits
/// (HookPointInfo::is_site). Throws kUsage with the nearest name.
HookPoint site_of(std::string_view name);

/// A head, "9.6": layer 9, head 6. Throws kUsage that names the option.
Place head_place(std::string_view text, HookPoint site, std::string_view option);

}  // namespace patchbay::experiments
