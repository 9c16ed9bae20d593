// Rows of a table by their numbers: token and position embeddings.
#pragma once

#include <cstdint>
#include <span>

#include "patchbay/base/run_context.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// out [rows, d_model] = table[ids[row]] for each row, of a table [n, d_model]. Throws kUsage when
/// the shapes do not fit or an id is not from 0 to n − 1.
void embedding(const RunContext& ctx, ConstTensorView table, std::span<const std::int32_t> ids,
               TensorView out);

}  // namespace patchbay
