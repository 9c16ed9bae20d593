#include "patchbay/model/attend.h"

#include <algorithm>
#include <limits>

#include "patchbay/tensor/activation.h"
#include "patchbay/tensor/attention.h"
#include "patchbay/tensor/softmax.h"

namespace patchbay {
namespace {

constexpr float kMasked = -std::numeric_limits<float>::infinity();

}  // namespace

Attention::Attention(const RunContext& ctx, const HookedTransformerConfig& cfg, int layer,
                     std::span<const std::int64_t> lengths, const RowSet& queries)
    : ctx_(ctx), cfg_(cfg), layer_(layer), queries_(queries), first_{0} {
  for (const std::int64_t length : lengths) first_.push_back(first_.back() + length);
}

std::vector<const float*> Attention::sources(ConstTensorView x, const RowSet& rows) const {
  std::vector<const float*> pointers(static_cast<std::size_t>(first_.back()), nullptr);
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    const std::int64_t index =
        first_[static_cast<std::size_t>(rows[i].sequence)] + rows[i].position;
    pointers[static_cast<std::size_t>(index)] = x[i].data();
  }
  return pointers;
}

// Calls body(sequence, head, begin, end) on all threads, where [begin, end) are the sequence's
// queries; sequences without a query are left out.
template <class Body>
void Attention::for_each_head(const Body& body) const {
  const auto sequences = static_cast<std::int64_t>(first_.size()) - 1;
  ctx_.parallel_for(sequences * cfg_.n_heads, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t item = first; item < last; ++item) {
      const std::int64_t sequence = item / cfg_.n_heads;
      const auto [begin, end] = queries_.of_sequence(static_cast<std::int32_t>(sequence));
      if (begin < end) body(sequence, item % cfg_.n_heads, begin, end);
    }
  });
}

void Attention::scores_of(const TransposedKeys& keys, const Row& query, const float* q,
                          float* scores) const {
  const KeyRange seen = cfg_.visible_keys(layer_, query.position);
  keys.scores(q, seen.end, cfg_.attn_scale, scores);
  if (cfg_.attn_scores_soft_cap > 0) soft_cap_row(cfg_.attn_scores_soft_cap, scores, seen.end);
  std::fill_n(scores, seen.first, kMasked);
}

// A row's edits of the keys that its query sees; `begin` is the head's first element of the row.
void Attention::edit(std::span<const RowEdit> edits, const Row& query, std::int64_t begin,
                     float* row) const {
  const auto [first, end] = cfg_.visible_keys(layer_, query.position);
  apply_edits(edits, query, begin + first, {row + first, static_cast<std::size_t>(end - first)});
}

Tensor Attention::z(ConstTensorView q, std::span<const float* const> keys,
                    std::span<const float* const> values, const Edits& edits) const {
  Tensor z = Tensor::uninitialized(q.shape());
  for_each_head(
      [&](std::int64_t sequence, std::int64_t head, std::int64_t begin, std::int64_t end) {
        const auto offset = static_cast<std::size_t>(first_[static_cast<std::size_t>(sequence)]);
        const auto n_keys = static_cast<std::size_t>(queries_[end - 1].position) + 1;
        const std::int64_t at = head * cfg_.d_head;
        const std::int64_t shared = cfg_.key_value_head_of(head) * cfg_.d_head;
        const TransposedKeys transposed({keys.subspan(offset, n_keys), shared, cfg_.d_head});
        const HeadRows mixed{values.subspan(offset, n_keys), shared, cfg_.d_head};
        std::vector<float> weights(n_keys);
        for (std::int64_t i = begin; i < end; ++i) {
          const std::int64_t end_of_keys = queries_[i].position + 1;
          const std::int64_t in_row = head * length_of(sequence);
          float* const row = weights.data();
          scores_of(transposed, queries_[i], q[i].data() + at, row);
          edit(edits.scores, queries_[i], in_row, row);
          softmax_row(row, end_of_keys);
          edit(edits.pattern, queries_[i], in_row, row);
          mix_values(row, end_of_keys, mixed, z[i].data() + at);
        }
      });
  return z;
}

Tensor Attention::scores(ConstTensorView q, std::span<const float* const> keys,
                         const Edits& edits) const {
  const auto batch = static_cast<std::int64_t>(first_.size()) - 1;
  const std::int64_t pos = batch == 0 ? 0 : first_[1];
  Tensor scores = Tensor::uninitialized({batch, cfg_.n_heads, pos, pos});
  for_each_head(
      [&](std::int64_t sequence, std::int64_t head, std::int64_t begin, std::int64_t end) {
        const auto offset = static_cast<std::size_t>(first_[static_cast<std::size_t>(sequence)]);
        const std::int64_t at = head * cfg_.d_head;
        const std::int64_t shared = cfg_.key_value_head_of(head) * cfg_.d_head;
        const TransposedKeys transposed(
            {keys.subspan(offset, static_cast<std::size_t>(pos)), shared, cfg_.d_head});
        for (std::int64_t i = begin; i < end; ++i) {
          float* row = &scores(sequence, head, queries_[i].position, 0);
          scores_of(transposed, queries_[i], q[i].data() + at, row);
          edit(edits.scores, queries_[i], head * pos, row);
          std::fill(row + queries_[i].position + 1, row + pos, kMasked);
        }
      });
  return scores;
}

void Attention::pattern(TensorView scores, const Edits& edits) const {
  const std::int64_t pos = scores.shape()[3];
  for_each_head([&](std::int64_t sequence, std::int64_t head, std::int64_t begin, std::int64_t) {
    for (std::int64_t query = 0; query < pos; ++query) {
      float* row = &scores(sequence, head, query, 0);
      softmax_row(row, query + 1);
      edit(edits.pattern, queries_[begin + query], head * pos, row);
      std::fill(row + query + 1, row + pos, 0.0F);
    }
  });
}

Tensor Attention::mix(ConstTensorView pattern, std::span<const float* const> values) const {
  Tensor z = Tensor::uninitialized({queries_.size(), cfg_.n_heads * cfg_.d_head});
  for_each_head(
      [&](std::int64_t sequence, std::int64_t head, std::int64_t begin, std::int64_t end) {
        const auto offset = static_cast<std::size_t>(first_[static_cast<std::size_t>(sequence)]);
        const std::int64_t at = head * cfg_.d_head;
        const std::int64_t shared = cfg_.key_value_head_of(head) * cfg_.d_head;
        for (std::int64_t i = begin; i < end; ++i) {
          const std::int64_t visible = queries_[i].position + 1;
          const HeadRows rows{values.subspan(offset, static_cast<std::size_t>(visible)), shared,
                              cfg_.d_head};
          mix_values(&pattern(sequence, head, queries_[i].position, 0), visible, rows,
                     z[i].data() + at);
        }
      });
  return z;
}

}  // namespace patchbay
