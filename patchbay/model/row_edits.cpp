#include "patchbay/model/row_edits.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "patchbay/base/error.h"

namespace patchbay {
namespace {

std::string check_edit(const HookedTransformerConfig& cfg, const HookName& name,
                       const RowEdit& edit, std::span<const std::int64_t> lengths) {
  const auto [sequence, position] = edit.row;
  if (sequence < 0 || sequence >= static_cast<std::int64_t>(lengths.size()) || position < 0 ||
      position >= lengths[static_cast<std::size_t>(sequence)]) {
    return fmt::format("is at sequence {}, position {}, which does not exist", sequence, position);
  }
  const std::int64_t length = lengths[static_cast<std::size_t>(sequence)];
  const auto count = static_cast<std::int64_t>(edit.values.size());
  const std::int64_t width = row_width(cfg, name, length);
  if (edit.begin < 0 || edit.begin > width || count > width - edit.begin) {
    return fmt::format("has {} values from element {} of a row of {}", count, edit.begin, width);
  }
  if (is_attention(name.point) && count > 0) {
    const KeyRange seen = cfg.visible_keys(name.layer, position);
    const std::int64_t first = edit.begin % length;
    if (first < seen.first || first >= seen.end || first + count > seen.end) {
      return fmt::format("reaches keys {} at sequence {}, position {}",
                         first < seen.first ? "before their query's window" : "after their query",
                         sequence, position);
    }
  }
  if (is_head_input(name.point) && (edit.begin % cfg.d_model != 0 || count % cfg.d_model != 0)) {
    return fmt::format("has {} values from element {}; the input of a head is edited whole", count,
                       edit.begin);
  }
  return {};
}

}  // namespace

std::int64_t row_width(const HookedTransformerConfig& cfg, const HookName& name,
                       std::int64_t length) {
  return is_attention(name.point) ? cfg.n_heads * length : name.shape(cfg, 1, 1).size();
}

void RowEdits::add_rows(const HookName& name, std::span<const Row> rows, ConstTensorView values) {
  if (values.shape()[0] != std::ssize(rows)) {
    throw Error(ErrorKind::kUsage, "edits",
                fmt::format("values {} are not those of {} rows; give a row of values for each",
                            values.shape().str(), rows.size()));
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    add(name, {rows[i], 0, values[static_cast<std::int64_t>(i)].flat()});
  }
}

std::span<const RowEdit> RowEdits::at(HookPoint point, int layer) const {
  const auto found = edits_.find({point, layer});
  return found == edits_.end() ? std::span<const RowEdit>() : found->second;
}

std::vector<RowEdit> RowEdits::by_row(HookPoint point, int layer) const {
  const auto edits = at(point, layer);
  std::vector<RowEdit> sorted(edits.begin(), edits.end());
  std::ranges::stable_sort(sorted, {}, &RowEdit::row);
  return sorted;
}

RowSet RowEdits::rows(int layer, std::span<const HookPoint> points) const {
  std::vector<Row> rows;
  for (const HookPoint point : points) {
    for (const RowEdit& edit : at(point, layer)) rows.push_back(edit.row);
  }
  return RowSet(std::move(rows));
}

int RowEdits::first_layer(int none) const {
  int first = none;
  for (const auto& [name, edits] : edits_) {
    if (!edits.empty() && !is_after_blocks(name.point)) first = std::min(first, name.layer);
  }
  return first;
}

void apply_edits(std::span<const RowEdit> edits, const Row& row, std::int64_t begin,
                 std::span<float> piece) {
  const std::int64_t end = begin + static_cast<std::int64_t>(piece.size());
  auto at = std::ranges::lower_bound(edits, row, {}, &RowEdit::row);
  for (; at != edits.end() && at->row == row; ++at) {
    const RowEdit& edit = *at;
    const std::int64_t from = std::max(begin, edit.begin);
    const std::int64_t to =
        std::min(end, edit.begin + static_cast<std::int64_t>(edit.values.size()));
    for (std::int64_t i = from; i < to; ++i) {
      piece[static_cast<std::size_t>(i - begin)] =
          edit.values[static_cast<std::size_t>(i - edit.begin)];
    }
  }
}

void check_edits(const HookedTransformerConfig& cfg, const RowEdits& edits,
                 std::span<const std::int64_t> lengths) {
  for (const auto& [name, list] : edits.entries()) {
    if (!info(name.point).editable) {
      throw Error(ErrorKind::kUsage, "edits",
                  fmt::format("{} takes no row edits; use a hook", name.str()));
    }
    (void)HookName::parse(name.str(), cfg);  // throws for a layer or a point that is not there
    for (const RowEdit& edit : list) {
      const std::string what = check_edit(cfg, name, edit, lengths);
      if (what.empty()) continue;
      throw Error(ErrorKind::kUsage, "edits", fmt::format("an edit of {} {}", name.str(), what));
    }
  }
}

}  // namespace patchbay
