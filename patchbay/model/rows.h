// Which rows of the residual stream a run carries: one row is one position of one
// sequence.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "patchbay/base/check.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

struct Row {
  std::int32_t sequence = 0;  ///< among those that run side by side: a prompt, or a variant of one
  std::int32_t position = 0;
  friend auto operator<=>(const Row&, const Row&) = default;
};

/// A sorted set of rows. Tensors of a run, [rows, …], are in its order.
class RowSet {
 public:
  RowSet() = default;
  /// Sorts and drops repetitions.
  explicit RowSet(std::vector<Row> rows);
  /// Every position of every prompt.
  static RowSet all(std::span<const std::int64_t> lengths);

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(rows_.size()); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  /// The i-th row. Throws kUsage when there is none.
  [[nodiscard]] const Row& operator[](std::int64_t i) const {
    if (i < 0 || i >= size()) check_index("rows", "row", i, size());
    return rows_[static_cast<std::size_t>(i)];
  }
  [[nodiscard]] auto begin() const { return rows_.begin(); }
  [[nodiscard]] auto end() const { return rows_.end(); }
  /// The index of a row, or −1.
  [[nodiscard]] std::int64_t find(const Row& row) const;
  /// The indices [first, last) of one prompt's rows.
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> of_sequence(std::int32_t prompt) const;

  [[nodiscard]] const std::vector<Row>& list() const { return rows_; }
  /// The position of each row.
  [[nodiscard]] std::vector<std::int32_t> positions() const;

  [[nodiscard]] RowSet united_with(const RowSet& other) const;
  [[nodiscard]] RowSet without(const RowSet& other) const;
  template <class Predicate>
  [[nodiscard]] RowSet where(const Predicate& keep) const {
    RowSet kept;
    for (const Row& row : rows_) {
      if (keep(row)) kept.rows_.push_back(row);
    }
    return kept;
  }

  friend bool operator==(const RowSet&, const RowSet&) = default;

 private:
  std::vector<Row> rows_;
};

/// Rows that were picked: a view of the tensor they are of when they are all of its rows, a copy
/// that lives as long as this when not.
class PickedRows {
 public:
  explicit PickedRows(ConstTensorView all) : view_(all) {}
  explicit PickedRows(Tensor copy) : copy_(std::move(copy)), view_(copy_.view()) {}

  [[nodiscard]] ConstTensorView view() const { return view_; }
  /// The rows as a tensor of their own.
  [[nodiscard]] Tensor take() && {
    return copy_.empty() ? Tensor::copy_of(view_) : std::move(copy_);
  }
  operator ConstTensorView() const { return view_; }  // NOLINT: implicit, as of a tensor

 private:
  Tensor copy_;  // its elements stay where they are when it is moved
  ConstTensorView view_;
};

/// Takes the rows `to` out of tensors [from, …]. Throws kUsage for a row that is not in `from`, and
/// for a tensor that does not have its rows.
class RowPicker {
 public:
  RowPicker(const RowSet& from, const RowSet& to);
  [[nodiscard]] PickedRows operator()(const Tensor& x) const;

 private:
  std::vector<std::int64_t> index_;  // [to] index in from; empty when the sets are equal
  std::int64_t from_;                // how many rows a tensor has
  bool same_;
};

}  // namespace patchbay
