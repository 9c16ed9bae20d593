// Attention over the rows of a run: for every sequence and head, scores, pattern and mixed values.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/config/hooked_transformer_config.h"
#include "patchbay/model/row_edits.h"
#include "patchbay/model/rows.h"
#include "patchbay/tensor/attention.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// Causal attention of the rows `queries` of some sequences, in one layer. Keys and values come as
/// one pointer per position of every sequence (all rows, in order), each to
/// [n_key_value_heads·d_head] floats. Part of the engine: HookedTransformer has checked what a
/// caller gave, and nothing is checked here.
class Attention {
 public:
  Attention(const RunContext& ctx, const HookedTransformerConfig& cfg, int layer,
            std::span<const std::int64_t> lengths, const RowSet& queries);

  /// A pointer per position of every sequence: to its row of x [rows, …], or null.
  [[nodiscard]] std::vector<const float*> sources(ConstTensorView x, const RowSet& rows) const;

  /// What a run puts in the place of scores and of probabilities, each sorted by row.
  struct Edits {
    std::vector<RowEdit> scores;
    std::vector<RowEdit> pattern;
  };

  /// z [queries, n_heads·d_head] from q [queries, n_heads·d_head], without keeping the pattern.
  [[nodiscard]] Tensor z(ConstTensorView q, std::span<const float* const> keys,
                         std::span<const float* const> values, const Edits& edits) const;

  /// The same in three steps, for hooks between them; every row must be a query and all sequences
  /// equally long. scores [batch, head_index, query_pos, key_pos], −inf at keys that the query does
  /// not see.
  [[nodiscard]] Tensor scores(ConstTensorView q, std::span<const float* const> keys,
                              const Edits& edits) const;
  /// scores → probabilities, in place; 0 at keys that the query does not see.
  void pattern(TensorView scores, const Edits& edits) const;
  /// z [queries, n_heads·d_head]
  [[nodiscard]] Tensor mix(ConstTensorView pattern, std::span<const float* const> values) const;

 private:
  template <class Body>
  void for_each_head(const Body& body) const;

  /// One query's scores of keys 0 … query, [query + 1], those of keys that it does not see −inf.
  void scores_of(const TransposedKeys& keys, const Row& query, const float* q, float* scores) const;
  void edit(std::span<const RowEdit> edits, const Row& query, std::int64_t begin, float* row) const;
  [[nodiscard]] std::int64_t length_of(std::int64_t sequence) const {
    const auto i = static_cast<std::size_t>(sequence);
    return first_[i + 1] - first_[i];
  }

  const RunContext& ctx_;
  const HookedTransformerConfig& cfg_;
  int layer_;
  const RowSet& queries_;
  std::vector<std::int64_t> first_;  // [sequence + 1] index of its position 0 among all rows
};

}  // namespace patchbay
