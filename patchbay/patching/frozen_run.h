// Runs in which every head keeps its output but for what is put in: the edits that freeze them.
#pragma once

#include <span>
#include <vector>

#include "patchbay/model/hooked_transformer.h"
#include "patchbay/patching/intervention.h"
#include "patchbay/patching/recording.h"

namespace patchbay {

/// What frozen components hold.
struct FrozenValues {
  const HookedTransformerConfig& cfg;
  const SharedRun& base;
  const Recording* mlp_out = nullptr;  ///< of the same prompts; null: MLPs are live
  bool live_heads = false;
  const Recording* scales = nullptr;  ///< of ln1 and ln2 of all blocks; null: norms are live
  bool other_scales = false;  ///< the scales are of other prompts, so no row keeps the base run's
};

/// Adds to `edits`, for one sequence that varies one prompt of `frozen`, what keeps all heads (and
/// MLPs) of blocks up to `last_layer` as they were in the base run wherever `given` would change
/// them, and what is given.
///
/// Without one of them among a block's queries, keys, values and patterns its attention is not
/// computed at all: its output is the base run's. With one, that head alone is computed, from
/// frozen inputs but for what is given.
void add_frozen(const FrozenValues& frozen, std::int32_t sequence, std::size_t prompt,
                std::span<const Edit> given, int last_layer, RowEdits& edits);

/// What is given alone: everything after it is live.
void add_edits(std::int32_t sequence, std::span<const Edit> given, RowEdits& edits);

}  // namespace patchbay
