// Which rows a run computes: those that an edit changed, those that attention spreads the change
// to, and of these only what somebody reads. Everything else is the base run's.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "patchbay/base/error.h"
#include "patchbay/model/forward.h"

namespace patchbay {

using enum HookPoint;

void Forward::edit_input(int layer, Stream& stream) const {
  const auto edits = task_.edits.at(kResidPre, layer);
  if (edits.empty() || task_.base == nullptr) return;
  const Tensor* base = base_part(&BaseRun::Layer::resid_pre, layer);
  const RowSet rows = stream.rows.united_with(edited_rows(layer, {kResidPre}));
  Tensor resid = with_base_rows(std::move(stream), base, rows);
  for (const RowEdit& edit : edits) {
    std::ranges::copy(edit.values, resid[rows.find(edit.row)].data() + edit.begin);
  }
  stream = drop_unchanged({rows, std::move(resid)}, base);
}

Forward::AttentionRows Forward::attention_rows(int layer, const RowSet& stream) const {
  if (observers_.watches_any(layer, kResidPre, kResidMid)) return {all_, all_, all_, all_};
  const auto needed = [&](const Row& row) { return is_needed(layer, row); };
  RowSet changed =
      stream.united_with(edited_rows(layer, {kKInput, kVInput, kLn1Scale, kLn1Normalized, kK,
                                             kKNormScale, kKNormNormalized, kRotK, kV}));
  // Queries of later positions read changed keys and values.
  constexpr auto kNever = std::numeric_limits<std::int64_t>::max();
  std::vector<std::int64_t> first(task_.lengths.size(), kNever);  // [sequence]
  for (const Row& row : changed) {
    auto& least = first[static_cast<std::size_t>(row.sequence)];
    least = std::min<std::int64_t>(least, row.position);
  }
  const bool last = layer + 1 == model_.cfg.n_layers && observers_.last_layer() < layer;
  const RowSet reached = (last ? wanted_ : all_).where([&](const Row& row) {
    return row.position >= first[static_cast<std::size_t>(row.sequence)] && needed(row);
  });
  const RowSet replaced = replaced_rows(layer, {kZ, kAttnOut, kResidMid});
  const RowSet attended =
      reached
          .united_with(edited_rows(layer, {kQInput, kQ, kQNormScale, kQNormNormalized, kRotQ,
                                           kAttnScores, kPattern})
                           .where(needed))
          .without(replaced)
          .united_with(read_rows(layer, {kQ, kZ, kResult, kAttnOut}));
  const RowSet projected = attended.united_with(
      edited_rows(layer, {kZ, kResult, kLn1PostScale, kLn1PostNormalized}).where(needed));
  const RowSet out = reached.united_with(projected).united_with(
      edited_rows(layer, {kAttnOut, kResidMid}).where(needed));
  // Keys and values that no computed attention reads are not computed either.
  std::vector<std::int64_t> reader(task_.lengths.size(), -1);  // [sequence] the last one
  for (const Row& row : attended) reader[static_cast<std::size_t>(row.sequence)] = row.position;
  changed = changed
                .where([&](const Row& row) {
                  return row.position <= reader[static_cast<std::size_t>(row.sequence)];
                })
                .united_with(read_rows(layer, {kK, kV}));
  return {changed, attended, projected, out};
}

Forward::MlpRows Forward::mlp_rows(int layer, const RowSet& stream) const {
  if (observers_.watches_any(layer, kMlpIn, kResidPost)) return {all_, all_, all_};
  const auto needed = [&](const Row& row) { return is_needed(layer, row); };
  const RowSet read = read_rows(layer, {kMlpPre, kMlpPreLinear, kMlpPost, kMlpOut});
  const RowSet out = stream
                         .united_with(edited_rows(
                             layer, {kMlpIn, kLn2Scale, kLn2Normalized, kMlpPre, kMlpPreLinear,
                                     kMlpPost, kLn2PostScale, kLn2PostNormalized, kMlpOut}))
                         .where(needed)
                         .united_with(read);
  return {out.without(replaced_rows(layer, {kMlpOut, kResidPost})).united_with(read), out,
          out.united_with(edited_rows(layer, {kResidPost}).where(needed))};
}

RowSet Forward::replaced_rows(int layer, std::initializer_list<HookPoint> points) const {
  if (task_.base == nullptr) return {};  // nothing holds the rows that would not be computed
  std::vector<Row> rows;
  for (const HookPoint point : points) {
    const auto width =
        static_cast<std::size_t>(HookName{point, layer}.shape(model_.cfg, 1, 1).size());
    for (const RowEdit& edit : task_.edits.at(point, layer)) {
      if (edit.values.size() == width) rows.push_back(edit.row);
    }
  }
  return RowSet(std::move(rows));
}

bool Forward::is_needed(int layer, const Row& row) const {
  // An observer in this block or a later one sees whole sequences, and what is not computed here it
  // takes from the base run.
  if (observers_.last_layer() >= layer) return true;
  if (layer + 1 == model_.cfg.n_layers) return wanted_.find(row) >= 0;
  return row.position <= last_needed_[static_cast<std::size_t>(row.sequence)];
}

const Tensor* Forward::base_part(BasePart part, int layer) const {
  return task_.base == nullptr ? nullptr
                               : &(task_.base->layers[static_cast<std::size_t>(layer)].*part);
}

const Tensor* Forward::base_resid_post(int layer) const {
  if (task_.base == nullptr) return nullptr;
  return layer + 1 == model_.cfg.n_layers ? &task_.base->resid_final
                                          : base_part(&BaseRun::Layer::resid_pre, layer + 1);
}

Tensor Forward::with_base_rows(Stream stream, const Tensor* base, const RowSet& rows) const {
  if (stream.rows == rows) return std::move(stream.resid);
  return rows_of(stream, base, rows);
}

Tensor Forward::rows_of(const Stream& stream, const Tensor* base, const RowSet& rows) const {
  const std::int64_t width = stream.resid.shape()[1];
  Tensor result = Tensor::uninitialized({rows.size(), width});
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    const std::int64_t own = stream.rows.find(rows[i]);
    const float* row =
        own >= 0 ? stream.resid.data() + own * width : base->data() + base_row(rows[i]) * width;
    std::copy_n(row, width, result[i].data());
  }
  return result;
}

bool Forward::can_read(HookPoint point) {
  const HookPointInfo& of = info(point);
  return of.is_stream() || of.writes_stream() || (of.reads_stream() && point != kMlpIn);
}

RowSet Forward::read_rows(int layer, std::initializer_list<HookPoint> points) const {
  RowSet rows;
  for (const RowRead& read : task_.reads) {
    const bool is_one =
        read.name.layer == layer && std::ranges::find(points, read.name.point) != std::end(points);
    if (is_one) rows = rows.united_with(read.rows);
  }
  return rows;
}

void Forward::read(HookPoint point, int layer, const RowSet& rows, ConstTensorView activation) {
  if (info(point).is_stream()) return;
  for (RowRead& read : task_.reads) {
    if (read.name != HookName{point, layer}) continue;
    const std::int64_t width = activation.size() / std::max<std::int64_t>(rows.size(), 1);
    read.values = Tensor::uninitialized({read.rows.size(), width});
    for (std::int64_t i = 0; i < read.rows.size(); ++i) {
      const std::int64_t row = rows.find(read.rows[i]);
      if (row < 0) {
        throw Error(ErrorKind::kInternal, "replay",
                    fmt::format("a row of {} was asked for and not computed", read.name.str()));
      }
      std::copy_n(activation.data() + row * width, width, read.values[i].data());
    }
    --open_reads_;
  }
}

void Forward::read(HookPoint point, int layer, const Stream& stream, const Tensor* base) {
  for (RowRead& read : task_.reads) {
    if (read.name != HookName{point, layer}) continue;
    read.values = rows_of(stream, base, read.rows);
    --open_reads_;
  }
}

Stream Forward::drop_unchanged(Stream stream, const Tensor* base) const {
  if (base == nullptr || stream.rows.empty()) return stream;
  const auto bytes = static_cast<std::size_t>(stream.resid.shape()[1]) * sizeof(float);
  std::int64_t at = 0;
  const RowSet changed = stream.rows.where([&](const Row& row) {
    return std::memcmp(stream.resid[at++].data(), (*base)[base_row(row)].data(), bytes) != 0;
  });
  if (changed == stream.rows) return stream;
  return {changed, Tensor::copy_of(RowPicker(stream.rows, changed)(stream.resid))};
}

}  // namespace patchbay
