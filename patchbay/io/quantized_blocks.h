// ggml's quantized blocks, and the floats that they stand for.
#pragma once

#include <cstddef>
#include <span>

#include "patchbay/io/ggml_type.h"

namespace patchbay {

/// Whether the type stores blocks of small integers with a scale: Q4_0 … Q8_0, Q4_K, Q5_K, Q6_K.
bool is_quantized(GgmlType type);

/// The floats that whole blocks of a quantized type stand for, as ggml's dequantize_row functions
/// define them (ggml-quants.c; the layouts are in ggml-common.h): scale · integer, plus or minus
/// the block's offset where the type has one. A product of a scale and an integer has at most 24
/// significant bits and is exact, so only the addition rounds, once: the bits are the same with and
/// without fused operations. Throws kUsage for a type that is not quantized,
/// for a part of a block, and unless `out` holds the elements of all blocks.
void dequantize(GgmlType type, std::span<const std::byte> blocks, std::span<float> out);

}  // namespace patchbay
