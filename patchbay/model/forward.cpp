// The model: embeddings, blocks of attention and MLP, the final normalisation (Radford et al. 2019,
// Touvron et al. 2023). What differs between models are traits in the config.
//
// Read embed, attention_half, mlp_half (with mlp) and final_layer_norm: together they are the whole
// pass. Every activation passes through `visit`, where edits replace it and hooks see it. Each half
// of a block first decides which rows have to be computed (changed_rows.cpp); a run that changes a
// few rows computes those alone.
#include "patchbay/model/forward.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <utility>

#include "patchbay/tensor/activation.h"
#include "patchbay/tensor/embedding.h"
#include "patchbay/tensor/norm.h"
#include "patchbay/tensor/rotary.h"

namespace patchbay {

using enum HookPoint;

Forward::Forward(const RunContext& ctx, const Model& model, const Task& task, Observers& observers)
    : ctx_(ctx),
      model_(model),
      task_(task),
      observers_(observers),
      all_(RowSet::all(task.lengths)),
      wanted_(task.demanded),
      last_needed_(task.lengths.size(), -1),
      open_reads_(task.reads.size()) {
  for (const RowRead& read : task.reads) wanted_ = wanted_.united_with(read.rows);
  for (const Row& row : wanted_) {
    auto& last = last_needed_[static_cast<std::size_t>(row.sequence)];
    last = std::max<std::int64_t>(last, row.position);
  }
}

Stream Forward::embed(const std::vector<Prompt>& prompts) {
  const Shape shape = {all_.size(), model_.cfg.d_model};
  std::vector<TokenId> tokens;  // [rows]
  for (const Prompt& prompt : prompts) tokens.insert(tokens.end(), prompt.begin(), prompt.end());
  Tensor embed = Tensor::uninitialized(shape);  // [rows, d_model]
  embedding(ctx_, model_.weights.W_E, tokens, embed);
  visit(kEmbed, -1, all_, embed);
  if (!model_.cfg.has_position_vectors()) return {all_, std::move(embed)};

  Tensor pos_embed = Tensor::uninitialized(shape);  // [rows, d_model]
  embedding(ctx_, model_.weights.W_pos, all_.positions(), pos_embed);
  visit(kPosEmbed, -1, all_, pos_embed);
  if (model_.cfg.positions_at_queries_and_keys()) {
    (task_.keep != nullptr ? task_.keep->pos_embed : pos_embed_) = std::move(pos_embed);
  } else {
    add(ctx_, embed, pos_embed, embed);
  }
  return {all_, std::move(embed)};
}

Tensor Forward::run(Stream stream, int first_layer) {
  const auto n_layers = static_cast<int>(model_.cfg.n_layers);
  const int end = task_.demanded.empty() ? observers_.last_layer() + 1 : n_layers;
  for (int layer = first_layer; layer < n_layers; ++layer) {
    edit_input(layer, stream);
    read(kResidPre, layer, stream, base_part(&BaseRun::Layer::resid_pre, layer));
    if (layer >= end && open_reads_ == 0) return {};
    Stream parallel_input = attention_half(layer, stream);
    read(kResidMid, layer, stream, base_part(&BaseRun::Layer::resid_mid, layer));
    mlp_half(layer, stream, std::move(parallel_input));
    read(kResidPost, layer, stream, base_resid_post(layer));
  }
  return end < n_layers ? Tensor() : final_layer_norm(std::move(stream));
}

Stream Forward::attention_half(int layer, Stream& stream) {
  const Block& w = block(layer);
  const AttentionRows rows = attention_rows(layer, stream.rows);
  const RowSet to_normalize = rows.changed.united_with(rows.attended);  // what is normalised
  const RowSet all = to_normalize.united_with(rows.out);
  const RowPicker of_changed(to_normalize, rows.changed);
  const RowPicker of_attended(to_normalize, rows.attended);

  Tensor resid_pre =
      with_base_rows(std::move(stream), base_part(&BaseRun::Layer::resid_pre, layer), all);
  visit(kResidPre, layer, all, resid_pre);
  split_inputs(layer, all, resid_pre);
  const RowPicker of_to_normalize(all, to_normalize);
  const Tensor normalized =  // [rows, d_model]
      normalize(w.ln1, layer, to_normalize, of_to_normalize(resid_pre).take());
  Tensor q = project(layer, kQ, w.Q, rows.attended,
                     with_positions(rows.attended, of_attended(normalized)));
  Tensor k =
      project(layer, kK, w.K, rows.changed, with_positions(rows.changed, of_changed(normalized)));
  Tensor v = project(layer, kV, w.V, rows.changed, of_changed(normalized));
  q = normalize(w.q_norm, layer, rows.attended, std::move(q));
  k = normalize(w.k_norm, layer, rows.changed, std::move(k));
  apply_rotary(kRotQ, layer, rows.attended, q);  // by position, where it is rotary
  apply_rotary(kRotK, layer, rows.changed, k);
  Tensor z = attend(layer, {q, rows.attended}, {k, v, rows.changed});  // [rows, n_heads·d_head]
  z = with_base_rows({rows.attended, std::move(z)}, base_part(&BaseRun::Layer::z, layer),
                     rows.projected);
  visit(kZ, layer, rows.projected, z);
  Tensor attn_out = output_projection(layer, rows.projected, z);  // [rows, d_model]
  attn_out = normalize(w.ln1_post, layer, rows.projected, std::move(attn_out));
  attn_out = with_base_rows({rows.projected, std::move(attn_out)},
                            base_part(&BaseRun::Layer::attn_out, layer), rows.out);
  visit(kAttnOut, layer, rows.out, attn_out);
  Tensor resid_mid = Tensor::uninitialized(attn_out.shape());  // [rows, d_model]
  const RowPicker of_out(all, rows.out);
  add(ctx_, of_out(resid_pre), attn_out, resid_mid);
  visit(kResidMid, layer, rows.out, resid_mid);

  Stream parallel_input;
  if (w.parallel) {
    parallel_input = drop_unchanged({all, Tensor::copy_of(resid_pre)},
                                    base_part(&BaseRun::Layer::resid_pre, layer));
  }
  if (task_.keep != nullptr) {
    task_.keep->layers.push_back({std::move(resid_pre), std::move(k), std::move(v), std::move(z),
                                  std::move(attn_out), Tensor::copy_of(resid_mid)});
  }
  stream = drop_unchanged({rows.out, std::move(resid_mid)},
                          base_part(&BaseRun::Layer::resid_mid, layer));
  return parallel_input;
}

void Forward::mlp_half(int layer, Stream& stream, Stream parallel_input) {
  const Block& w = block(layer);
  const MlpRows rows = mlp_rows(layer, stream.rows.united_with(parallel_input.rows));
  const Tensor* base = base_part(&BaseRun::Layer::resid_mid, layer);

  Tensor resid = with_base_rows(std::move(stream), base, rows.out);  // [rows, d_model]
  if (w.has_mlp) add(ctx_, resid, mlp(layer, rows, resid, std::move(parallel_input)), resid);
  resid = with_base_rows({rows.out, std::move(resid)}, base_resid_post(layer), rows.post);
  visit(kResidPost, layer, rows.post, resid);
  stream = drop_unchanged({rows.post, std::move(resid)}, base_resid_post(layer));
}

Tensor Forward::mlp(int layer, const MlpRows& rows, const Tensor& resid, Stream parallel_input) {
  const Block& w = block(layer);
  Tensor mlp_in =  // a copy, so that an edit reaches the MLP alone
      w.parallel ? with_base_rows(std::move(parallel_input),
                                  base_part(&BaseRun::Layer::resid_pre, layer), rows.computed)
                 : RowPicker(rows.out, rows.computed)(resid).take();
  visit(kMlpIn, layer, rows.computed, mlp_in);
  const Tensor normalized = normalize(w.ln2, layer, rows.computed, std::move(mlp_in));
  const bool gated = model_.cfg.gated_mlp;
  Tensor hidden = linear(normalized, gated ? w.gate : w.in);  // [rows, d_mlp]
  visit(kMlpPre, layer, rows.computed, hidden);
  activate(ctx_, model_.cfg.act_fn, hidden, hidden);
  if (gated) {
    Tensor pre_linear = linear(normalized, w.in);  // [rows, d_mlp]
    visit(kMlpPreLinear, layer, rows.computed, pre_linear);
    multiply(ctx_, hidden, pre_linear, hidden);
  }
  visit(kMlpPost, layer, rows.computed, hidden);
  Tensor mlp_out = linear(hidden, w.out);  // [rows, d_model]
  mlp_out = normalize(w.ln2_post, layer, rows.computed, std::move(mlp_out));
  // A row that was not computed is one that an edit replaces: it may hold anything before.
  mlp_out = with_base_rows({rows.computed, std::move(mlp_out)},
                           base_part(&BaseRun::Layer::resid_mid, layer), rows.out);
  visit(kMlpOut, layer, rows.out, mlp_out);
  return mlp_out;
}

Tensor Forward::final_layer_norm(Stream stream) {
  const bool observed = observers_.watches(kLnFinalScale) || observers_.watches(kLnFinalNormalized);
  const RowSet& rows = observed ? all_ : task_.demanded;
  const auto last = static_cast<int>(model_.cfg.n_layers) - 1;
  Tensor resid = with_base_rows(std::move(stream), base_resid_post(last), rows);  // [rows, d_model]
  if (task_.keep != nullptr) task_.keep->resid_final = resid;
  const Tensor normalized = normalize(model_.packed.ln_final, -1, rows, std::move(resid));
  return Tensor::copy_of(RowPicker(rows, task_.demanded)(normalized));
}

Tensor Forward::normalize(const NormPlace& place, int layer, const RowSet& rows, Tensor x) {
  if (!place.is_there()) return x;
  const Shape parts = {x.shape()[0] * place.parts, x.shape()[1] / place.parts};
  Tensor scale = Tensor::uninitialized({parts[0], 1});
  norm_scale(ctx_, *place.norm, x.view().reshaped(parts), scale);
  visit(place.scale, layer, rows, scale);
  norm_apply(ctx_, *place.norm, x.view().reshaped(parts), scale, x.view().reshaped(parts));
  visit(place.normalized, layer, rows, x);
  norm_finish(ctx_, *place.norm, x.view().reshaped(parts));
  return x;
}

PickedRows Forward::with_positions(const RowSet& rows, PickedRows normalized) const {
  if (!model_.cfg.positions_at_queries_and_keys()) return normalized;
  Tensor sum = std::move(normalized).take();
  for (std::int64_t i = 0; i < rows.size(); ++i) add_position(rows[i], sum[i].flat());
  return PickedRows(std::move(sum));
}

void Forward::add_position(const Row& row, std::span<float> normalized) const {
  const Tensor& own = task_.keep != nullptr ? task_.keep->pos_embed : pos_embed_;
  const ConstTensorView position = task_.base != nullptr
                                       ? task_.base->pos_embed.view()[base_row(row)]
                                       : own.view()[all_.find(row)];
  std::ranges::transform(normalized, position.flat(), normalized.begin(), std::plus<>());
}

Tensor Forward::linear(ConstTensorView x, const PackedLinear& map) {
  Tensor out = Tensor::uninitialized({x.shape()[0], map.w.n()});
  matmul(ctx_, x, map.w, map.b, out);
  return out;
}

Tensor Forward::project(int layer, HookPoint output, const PackedLinear& map, const RowSet& rows,
                        ConstTensorView normalized) {
  Tensor projected = linear(normalized, map);
  read_edited_inputs(layer, output, map, rows, projected);
  visit(output, layer, rows, projected);
  return projected;
}

void Forward::apply_rotary(HookPoint output, int layer, const RowSet& rows, Tensor& x) {
  if (!model_.cfg.is_rotary()) return;
  rotate(ctx_, model_.packed.rotary, rows.positions(), model_.cfg.d_head, x);
  visit(output, layer, rows, x);
}

Tensor Forward::attend(int layer, const QueryRows& queries, const KeyValueRows& fresh) {
  const BaseRun::Layer* base =
      task_.base == nullptr ? nullptr : &task_.base->layers[static_cast<std::size_t>(layer)];
  const Attention attention(ctx_, model_.cfg, layer, task_.lengths, queries.rows);
  std::vector<const float*> keys = attention.sources(fresh.k, fresh.rows);    // [all rows]
  std::vector<const float*> values = attention.sources(fresh.v, fresh.rows);  // [all rows]
  for (std::int64_t i = 0; base != nullptr && i < all_.size(); ++i) {
    const std::int64_t row = base_row(all_[i]);
    const auto at = static_cast<std::size_t>(i);
    if (keys[at] == nullptr) keys[at] = base->k[row].data();
    if (values[at] == nullptr) values[at] = base->v[row].data();
  }
  const Attention::Edits edits = {task_.edits.by_row(kAttnScores, layer),
                                  task_.edits.by_row(kPattern, layer)};
  if (!observers_.watches(kAttnScores, layer) && !observers_.watches(kPattern, layer)) {
    return attention.z(queries.q, keys, values, edits);
  }
  Tensor scores = attention.scores(queries.q, keys, edits);  // [batch, head, query_pos, key_pos]
  observers_.show(kAttnScores, layer, scores);
  attention.pattern(scores, edits);
  observers_.show(kPattern, layer, scores);
  return attention.mix(scores, values);
}

Tensor Forward::output_projection(int layer, const RowSet& rows, ConstTensorView z) {
  const PackedLinear& map = block(layer).O;
  const std::int64_t n_heads = model_.cfg.n_heads;
  Tensor attn_out = Tensor::uninitialized({z.shape()[0], map.w.n()});
  const bool by_head = observers_.watches(kResult, layer) ||
                       !task_.edits.at(kResult, layer).empty() ||
                       !read_rows(layer, {kResult}).empty();
  if (!by_head) {
    matmul_by_head(ctx_, z, map.w, n_heads, map.b, attn_out);
    return attn_out;
  }
  Tensor result = Tensor::uninitialized({z.shape()[0], n_heads, map.w.n()});
  matmul_each_head(ctx_, z, map.w, n_heads, result);
  visit(kResult, layer, rows, result);
  sum_heads(ctx_, result, map.b, attn_out);  // to the sum that matmul_by_head makes
  return attn_out;
}

void Forward::visit(HookPoint point, int layer, const RowSet& rows, Tensor& activation) {
  const std::int64_t width = rows.empty() ? 0 : activation.size() / rows.size();
  for (const RowEdit& edit : task_.edits.at(point, layer)) {
    const std::int64_t row = rows.find(edit.row);
    if (row < 0) continue;  // nobody reads it
    std::ranges::copy(edit.values, activation.data() + row * width + edit.begin);
  }
  observers_.show(point, layer, activation);
  if (!task_.reads.empty()) read(point, layer, rows, activation);
}

}  // namespace patchbay
