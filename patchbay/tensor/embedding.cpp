#include "patchbay/tensor/embedding.h"

#include <fmt/format.h>

#include <algorithm>

#include "patchbay/base/check.h"

namespace patchbay {

void embedding(const RunContext& ctx, ConstTensorView table, std::span<const std::int32_t> ids,
               TensorView out) {
  const auto rows = static_cast<std::int64_t>(ids.size());
  if (table.shape().rank() != 2 || out.shape() != Shape{rows, table.shape()[1]}) {
    throw Error(ErrorKind::kUsage, "embedding",
                fmt::format("{} ids and a table {} do not give an output {}; check the shapes",
                            rows, table.shape().str(), out.shape().str()));
  }
  for (const std::int32_t id : ids) check_index("embedding", "row", id, table.shape()[0]);
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
