// The hook points before ln1 that give every head its own copy of the residual stream:
// hook_attn_in, and hook_q_input, hook_k_input, hook_v_input, which start as copies of it. With
// grouped queries, keys and values have fewer heads and there is no hook_attn_in.
//
// Where nobody edited a head's copy of a row, the head keeps the projection of the shared stream,
// bit for bit. An edited copy goes through ln1 on its own, by its own scale (without ln1's hooks
// and edits, which are of the shared stream), and through that head's columns of the projection.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>
#include <vector>

#include "patchbay/model/forward.h"
#include "patchbay/tensor/norm.h"

namespace patchbay {

using enum HookPoint;

namespace {

// A copy of every row for each of some heads, [rows, heads, d_model].
Tensor copies_of(ConstTensorView x, std::int64_t heads) {
  const std::int64_t rows = x.shape()[0];
  const std::int64_t d_model = x.shape()[1];
  Tensor copies = Tensor::uninitialized({rows, heads, d_model});
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t head = 0; head < heads; ++head) {
      std::copy_n(x[row].data(), d_model, &copies(row, head, 0));
    }
  }
  return copies;
}

}  // namespace

void Forward::split_inputs(int layer, const RowSet& rows, ConstTensorView resid_pre) {
  split_ = {};
  if (!observers_.watches_any(layer, kAttnIn, kVInput)) return;
  split_.resid_pre = resid_pre;
  Tensor attn_in;  // [rows, n_heads, d_model]
  if (observers_.watches(kAttnIn, layer)) {
    attn_in = copies_of(resid_pre, model_.cfg.n_heads);
    observers_.show(kAttnIn, layer, attn_in);
  }
  const auto input = [&](HookPoint point, std::int64_t heads) {
    Tensor copies = attn_in;
    if (copies.empty() && observers_.watches(point, layer)) copies = copies_of(resid_pre, heads);
    if (!copies.empty()) visit(point, layer, rows, copies);
    return copies;
  };
  split_.q_input = input(kQInput, model_.cfg.n_heads);
  split_.k_input = input(kKInput, model_.cfg.key_value_heads());
  split_.v_input = input(kVInput, model_.cfg.key_value_heads());
}

// Of every head, the copies that somebody edited: those of hooks, which hold all rows, or those
// that row edits give.
std::vector<std::vector<Forward::EditedInput>> Forward::edited_inputs(int layer, HookPoint output,
                                                                      const RowSet& rows) const {
  const Tensor& copies = output == kQ   ? split_.q_input
                         : output == kK ? split_.k_input
                                        : split_.v_input;  // [rows, heads, d_model]
  const std::int64_t d_model = model_.cfg.d_model;
  const std::int64_t heads = output == kQ ? model_.cfg.n_heads : model_.cfg.key_value_heads();
  std::vector<std::vector<EditedInput>> edited(static_cast<std::size_t>(heads));
  if (!copies.empty()) {
    const std::size_t bytes = static_cast<std::size_t>(d_model) * sizeof(float);
    for (std::int64_t head = 0; head < heads; ++head) {
      for (std::int64_t row = 0; row < copies.shape()[0]; ++row) {
        const float* copy = &copies(row, head, 0);
        if (std::memcmp(copy, split_.resid_pre[row].data(), bytes) == 0) continue;
        edited[static_cast<std::size_t>(head)].push_back({row, copy});
      }
    }
    return edited;
  }
  for (const RowEdit& edit : task_.edits.at(info(output).input, layer)) {
    const std::int64_t row = rows.find(edit.row);
    if (row < 0) continue;  // nobody reads it
    for (std::int64_t at = 0; at < std::ssize(edit.values); at += d_model) {
      auto& of_head = edited[static_cast<std::size_t>((edit.begin + at) / d_model)];
      const auto earlier = std::ranges::find(of_head, row, &EditedInput::row);
      if (earlier != of_head.end()) of_head.erase(earlier);
      of_head.push_back({row, edit.values.data() + at});
    }
  }
  return edited;
}

void Forward::read_edited_inputs(int layer, HookPoint output, const PackedLinear& map,
                                 const RowSet& rows, TensorView projected) {
  const std::int64_t d_model = model_.cfg.d_model;
  const std::int64_t d_head = model_.cfg.d_head;
  const bool at_positions = output != kV && model_.cfg.positions_at_queries_and_keys();
  const auto edited = edited_inputs(layer, output, rows);
  for (std::size_t head = 0; head < edited.size(); ++head) {
    if (edited[head].empty()) continue;
    const auto first = static_cast<std::int64_t>(head) * d_head;
    Tensor own = Tensor::uninitialized({std::ssize(edited[head]), d_model});
    for (std::size_t i = 0; i < edited[head].size(); ++i) {
      std::copy_n(edited[head][i].values, d_model, own[static_cast<std::int64_t>(i)].data());
    }
    std::vector<std::int32_t> columns(static_cast<std::size_t>(d_head));
    std::iota(columns.begin(), columns.end(), static_cast<std::int32_t>(first));
    const auto bias = map.b.subspan(static_cast<std::size_t>(first), columns.size());
    const PackedMatrix w = map.w.select_columns(columns);
    own = normalized(ctx_, *block(layer).ln1.norm, own);
    for (std::size_t i = 0; at_positions && i < edited[head].size(); ++i) {
      add_position(rows[edited[head][i].row], own[static_cast<std::int64_t>(i)].flat());
    }
    const Tensor result = linear(own, {w, bias});
    for (std::size_t i = 0; i < edited[head].size(); ++i) {
      std::ranges::copy(result.view()[static_cast<std::int64_t>(i)].flat(),
                        projected.data() + edited[head][i].row * projected.shape()[1] + first);
    }
  }
}

}  // namespace patchbay
