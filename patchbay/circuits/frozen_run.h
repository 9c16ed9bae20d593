// Runs in which every head keeps its output but for what is put in: the edits that freeze them.
#pragma once

#include <span>
#include <vector>

#include "patchbay/model/hooked_transformer.h"
#include "patchbay/patching/intervention.h"
#include "patchbay/patching/recorded_runs.h"

namespace patchbay {

/// A value that a run gets: senders' from the source, receivers' as they were recorded.
struct Carrier {
  HookName name;
  std::int32_t position = 0;
  std::int64_t begin = 0;           ///< as RowEdit::begin
  std::span<const float> values{};  ///< not owned
};

/// What frozen components hold.
struct FrozenValues {
  const HookedTransformerConfig& cfg;
  const BaseRun& base;
  const RecordedRuns* mlp_out = nullptr;  ///< of the base run's prompts; null: MLPs are live
  bool live_heads = false;
};

/// Adds to `edits`, for one sequence, what keeps all heads (and MLPs) of blocks up to `last_layer`
/// as they were in the base run wherever `carriers` would change them, and the carriers.
///
/// Without a carrier among a block's queries, keys, values and patterns its attention is not
/// computed at all: its output is the base run's. With one, that head alone is computed, from
/// frozen inputs but for the carrier.
void add_frozen(const FrozenValues& frozen, std::int32_t sequence, std::int32_t base_prompt,
                std::span<const Carrier> carriers, int last_layer, RowEdits& edits);

/// The carriers alone: everything after them is live.
void add_carriers(std::int32_t sequence, std::span<const Carrier> carriers, RowEdits& edits);

}  // namespace patchbay
