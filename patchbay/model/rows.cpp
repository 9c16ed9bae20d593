#include "patchbay/model/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace patchbay {

RowSet::RowSet(std::vector<Row> rows) : rows_(std::move(rows)) {
  std::sort(rows_.begin(), rows_.end());
  rows_.erase(std::unique(rows_.begin(), rows_.end()), rows_.end());
}

RowSet RowSet::all(std::span<const std::int64_t> lengths) {
  RowSet set;
  for (std::size_t prompt = 0; prompt < lengths.size(); ++prompt) {
    for (std::int64_t position = 0; position < lengths[prompt]; ++position) {
      set.rows_.push_back({static_cast<std::int32_t>(prompt), static_cast<std::int32_t>(position)});
    }
  }
  return set;
}

std::int64_t RowSet::find(const Row& row) const {
  const auto found = std::ranges::lower_bound(rows_, row);
  return found != rows_.end() && *found == row ? found - rows_.begin() : -1;
}

std::pair<std::int64_t, std::int64_t> RowSet::of_sequence(std::int32_t prompt) const {
  const auto first = std::lower_bound(rows_.begin(), rows_.end(), Row{prompt, 0});
  const auto last = std::lower_bound(first, rows_.end(), Row{prompt + 1, 0});
  return {first - rows_.begin(), last - rows_.begin()};
}

std::vector<std::int32_t> RowSet::positions() const {
  std::vector<std::int32_t> positions;
  for (const Row& row : rows_) positions.push_back(row.position);
  return positions;
}

RowSet RowSet::united_with(const RowSet& other) const {
  RowSet set;
  std::ranges::set_union(rows_, other.rows_, std::back_inserter(set.rows_));
  return set;
}

RowSet RowSet::without(const RowSet& other) const {
  RowSet set;
  std::ranges::set_difference(rows_, other.rows_, std::back_inserter(set.rows_));
  return set;
}

RowPicker::RowPicker(const RowSet& from, const RowSet& to) : from_(from.size()), same_(from == to) {
  if (same_) return;
  for (const Row& row : to) {
    index_.push_back(from.find(row));
    if (index_.back() >= 0) continue;
    throw Error(ErrorKind::kUsage, "rows",
                fmt::format("row ({}, {}) is not among the {} rows to pick from", row.sequence,
                            row.position, from.size()));
  }
}

PickedRows RowPicker::operator()(const Tensor& x) const {
  if (x.shape()[0] != from_) {
    throw Error(
        ErrorKind::kUsage, "rows",
        fmt::format("a tensor {} does not have the {} rows to pick from", x.shape().str(), from_));
  }
  if (same_) return PickedRows(x.view());
  const std::int64_t width = x.shape().tail().size();
  Tensor picked = Tensor::uninitialized({static_cast<std::int64_t>(index_.size()), width});
  for (std::size_t i = 0; i < index_.size(); ++i) {
    std::copy_n(x.data() + index_[i] * width, width,
                picked.data() + static_cast<std::int64_t>(i) * width);
  }
  return PickedRows(std::move(picked));
}

}  // namespace patchbay
