#include "patchbay/tensor/embedding.h"

#include <algorithm>

namespace patchbay {

void embedding(const RunContext& ctx, ConstTensorView table, std::span<const std::int32_t> ids,
               TensorView out) {
  constexpr std::int64_t kPiece = 64;  // rows
  ctx.parallel_for(static_cast<std::int64_t>(ids.size()), kPiece,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t row = begin; row < end; ++row) {
                       const std::int32_t id = ids[static_cast<std::size_t>(row)];
                       std::ranges::copy(table[id].flat(), out[row].data());
                     }
                   });
}

}  // namespace patchbay
