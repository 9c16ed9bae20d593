// What the values of a sweep are known by: everything that they depend on, beside the model.
#pragma once

#include <cstdint>
#include <vector>

#include "patchbay/patching/path_patching.h"
#include "patchbay/patching/source.h"
#include "patchbay/results/cell_key.h"

namespace patchbay {

/// Not by how it was asked: a position by name and the same one by number are one question.
class SweepKeys {
 public:
  /// The sweep and its source's plan must outlive it.
  SweepKeys(const Sides& sides, const PathSweep& sweep, const SourcePlan& source);

  /// A path in one prompt, where it has the pieces `steps`.
  [[nodiscard]] CellKey of(std::int64_t prompt, std::int64_t path,
                           const std::vector<std::vector<Piece>>& steps) const;
  /// The metric of an unpatched prompt: of the side that is patched, or of the other one.
  [[nodiscard]] CellKey baseline(std::int64_t prompt, bool of_base) const;

 private:
  const PathSweep& sweep_;
  std::vector<CellKey> texts_;    // [prompt] what an unpatched run depends on
  std::vector<CellKey> prompts_;  // [prompt] all but the path
};

}  // namespace patchbay
