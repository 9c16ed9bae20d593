#include "patchbay/patching/stream_change.h"

#include "patchbay/hooks/stream_order.h"

namespace patchbay {
namespace {

using enum HookPoint;

// sum += factor · row.
void add_scaled(float factor, std::span<const float> row, std::span<float> sum) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += factor * row[i];
}

}  // namespace

StreamChange stream_change(const HookedTransformerConfig& cfg, const Weights& weights,
                           const Piece& piece, std::span<const float> before,
                           std::span<const float> after) {
  const BlockWeights& block = weights.blocks[static_cast<std::size_t>(piece.name.layer)];
  const auto d_model = static_cast<std::size_t>(cfg.d_model);
  StreamChange change{stream_order(cfg, piece.name), piece.position, std::vector<float>(d_model)};
  // z and mlp_post are written through a matrix with a row for each of their elements.
  const Tensor* const matrix = piece.name.point == kZ         ? &block.attn.W_O
                               : piece.name.point == kMlpPost ? &block.mlp.W_out
                                                              : nullptr;
  for (std::size_t i = 0; i < after.size(); ++i) {
    const float difference = after[i] - before[i];
    if (matrix == nullptr) {
      change.values[i % d_model] += difference;  // of results, the sum over heads
      continue;
    }
    const std::size_t row = static_cast<std::size_t>(piece.begin) + i;
    add_scaled(difference, matrix->flat().subspan(row * d_model, d_model), change.values);
  }
  return change;
}

void add_changes(std::span<const StreamChange> changes, int order, std::int32_t position,
                 std::span<float> row) {
  for (const StreamChange& change : changes) {
    if (change.position == position && change.order <= order) add_scaled(1.0F, change.values, row);
  }
}

void add_projection(const BlockWeights& block, const Piece& receiver, std::span<const float> change,
                    float scale, std::span<float> piece) {
  const HookPoint point = receiver.name.point;
  const AttentionWeights& attn = block.attn;
  const Tensor& matrix = point == kQ ? attn.W_Q : point == kK ? attn.W_K : attn.W_V;
  const auto d_head = static_cast<std::size_t>(matrix.shape()[2]);
  const std::size_t first = static_cast<std::size_t>(receiver.begin) / d_head;
  for (std::size_t begin = 0; begin < piece.size(); begin += d_head) {
    const auto head = static_cast<std::int64_t>(first + begin / d_head);
    const std::span<const float> own = matrix[head].flat();  // [d_model, d_head]
    std::vector<float> projected(d_head);
    for (std::size_t i = 0; i < change.size(); ++i) {
      add_scaled(change[i] / scale * block.ln1.weight(static_cast<std::int64_t>(i)),
                 own.subspan(i * d_head, d_head), projected);
    }
    add_scaled(1.0F, projected, piece.subspan(begin, d_head));
  }
}

}  // namespace patchbay
