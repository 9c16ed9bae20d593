// Values that a run puts in the place of its own, by place. Unlike a hook, an edit says which rows
// it changes, so a replay computes no others.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "patchbay/config/hooked_transformer_config.h"
#include "patchbay/hooks/hook_name.h"
#include "patchbay/model/rows.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// New values for a part of one row of an activation. A row is what the activation holds of one
/// (sequence, position): [d_model], [n_heads·d_head], [d_mlp], hook_result's [n_heads·d_model], the
/// one scale of a norm; of scores and pattern the row of one query, [n_heads·key_pos], with as many
/// keys as the sequence has positions.
struct RowEdit {
  Row row;                        ///< (sequence, position)
  std::int64_t begin = 0;         ///< where in the row the values go: head·d_head, a neuron, …
  std::span<const float> values;  ///< not owned; must live as long as the run
};

/// Elements of one row of an activation in a sequence of this length.
std::int64_t row_width(const HookedTransformerConfig& cfg, const HookName& name,
                       std::int64_t length);

/// The edits of one run. Of two that overlap, the later one counts.
class RowEdits {
 public:
  void add(const HookName& name, const RowEdit& edit) { edits_[name].push_back(edit); }
  /// Whole rows, values [rows, …]. Throws kUsage unless there is a row of values for each.
  void add_rows(const HookName& name, std::span<const Row> rows, ConstTensorView values);

  [[nodiscard]] bool empty() const { return edits_.empty(); }
  /// In the order in which they were added.
  [[nodiscard]] std::span<const RowEdit> at(HookPoint point, int layer) const;
  /// The same by row, those of one row still in their order.
  [[nodiscard]] std::vector<RowEdit> by_row(HookPoint point, int layer) const;
  /// The rows that edits of these points change.
  [[nodiscard]] RowSet rows(int layer, std::span<const HookPoint> points) const;
  /// The first block with an edit, −1 when the embeddings have one, `none` when none of them has.
  [[nodiscard]] int first_layer(int none) const;
  [[nodiscard]] const std::map<HookName, std::vector<RowEdit>>& entries() const { return edits_; }

 private:
  std::map<HookName, std::vector<RowEdit>> edits_;
};

/// Writes what `edits`, sorted by row, have for the piece [begin, begin + piece) of a row.
void apply_edits(std::span<const RowEdit> edits, const Row& row, std::int64_t begin,
                 std::span<float> piece);

/// Throws kUsage for an edit of a point that takes none, of a row or of elements that do not exist,
/// or of attention above the diagonal. `lengths` [sequence].
void check_edits(const HookedTransformerConfig& cfg, const RowEdits& edits,
                 std::span<const std::int64_t> lengths);

}  // namespace patchbay
