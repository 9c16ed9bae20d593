// The order in which the residual stream is read and written: the only place that knows how a
// block's attention and MLP follow each other.
#pragma once

#include "patchbay/hooks/hook_name.h"

namespace patchbay {

/// How far along the stream the activation `name` stands, for a point of a block that is the
/// stream, reads it or writes it (HookPointInfo::stream). What is written at an order is part of
/// what is read at the same order or a later one. 2 · layer is the order of a block's input.
int stream_order(const HookedTransformerConfig& cfg, const HookName& name);

/// The state of the stream that a point of a block reads (itself, for a point that is the stream):
/// resid_pre for queries, resid_mid for an MLP that comes after its block's attention.
HookPoint stream_read_by(const HookedTransformerConfig& cfg, HookPoint point);

}  // namespace patchbay
