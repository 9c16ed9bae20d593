// Keys and values that several query heads share (grouped-query attention), in words.
#pragma once

#include <cstdint>
#include <string>

#include "patchbay/config/hooked_transformer_config.h"

namespace patchbay {

/// "heads 3-5": the query heads that read this key/value head.
std::string readers_of(const HookedTransformerConfig& cfg, std::int64_t key_value_head);

/// "key/value heads: 0 is read by heads 0-2, 1 by heads 3-5"; of more than eight the first ones and
/// the last. Empty for a model whose heads have keys and values of their own.
std::string shared_heads_text(const HookedTransformerConfig& cfg);

}  // namespace patchbay
