// What senders add to the residual stream when they put out something else, and what receivers read
// of it: paths that are single edges between components.
#pragma once

#include <span>
#include <vector>

#include "patchbay/model/weights.h"
#include "patchbay/patching/intervention.h"

namespace patchbay {

/// One row of a change.
struct StreamChange {
  int order = 0;  ///< stream_order: from where on the stream has it
  std::int32_t position = 0;
  std::vector<float> values;  ///< [d_model]
};

/// What the stream gets when a piece of z, result, attn_out, mlp_post, mlp_out or of the stream
/// itself holds `after` instead of `before`.
StreamChange stream_change(const HookedTransformerConfig& cfg, const Weights& weights,
                           const Piece& piece, std::span<const float> before,
                           std::span<const float> after);

/// Adds to one row of the stream, [d_model], what it has of changes up to that order.
void add_changes(std::span<const StreamChange> changes, int order, std::int32_t position,
                 std::span<float> row);

/// Adds to a piece of queries, keys or values what a change of the stream at ln1, [d_model], is to
/// it when ln1 keeps this scale: change / scale · w · W of each of its heads.
void add_projection(const BlockWeights& block, const Piece& receiver, std::span<const float> change,
                    float scale, std::span<float> piece);

}  // namespace patchbay
