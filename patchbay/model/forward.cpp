// The model: embeddings, blocks of attention and MLP, the final normalisation (Radford et al. 2019,
// Touvron et al. 2023). What differs between models are traits in the config.
//
// Read embed, attention_half, mlp_half and final_layer_norm: together they are the whole pass.
// Every activation passes through `touch`, where hooks see it. Each half of a block first decides
// which rows have to be computed; a run that changes a few rows computes those alone.
#include "patchbay/model/forward.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "patchbay/model/attend.h"
#include "patchbay/tensor/activation.h"
#include "patchbay/tensor/embedding.h"
#include "patchbay/tensor/layer_norm.h"
#include "patchbay/tensor/rotary.h"

namespace patchbay {

using enum HookPoint;

Forward::Forward(const RunContext& ctx, const Model& model, const Task& task, HookSite& site)
    : ctx_(ctx),
      model_(model),
      task_(task),
      site_(site),
      all_(RowSet::all(task.lengths)),
      last_needed_(task.lengths.size(), -1) {
  for (const Row& row : task.demanded) {
    auto& last = last_needed_[static_cast<std::size_t>(row.prompt)];
    last = std::max<std::int64_t>(last, row.position);
  }
}

Stream Forward::embed(const std::vector<Prompt>& prompts) {
  const Shape shape = {all_.size(), model_.cfg.d_model};
  std::vector<TokenId> tokens;  // [rows]
  for (const Prompt& prompt : prompts) tokens.insert(tokens.end(), prompt.begin(), prompt.end());
  Tensor embed = Tensor::uninitialized(shape);  // [rows, d_model]
  embedding(ctx_, model_.weights.W_E, tokens, embed);
  touch(kEmbed, -1, embed);
  if (model_.cfg.is_rotary()) return {all_, std::move(embed)};

  Tensor pos_embed = Tensor::uninitialized(shape);  // [rows, d_model]
  embedding(ctx_, model_.weights.W_pos, all_.positions(), pos_embed);
  touch(kPosEmbed, -1, pos_embed);
  add(ctx_, embed, pos_embed, embed);
  return {all_, std::move(embed)};
}

Tensor Forward::run(Stream stream, Door door) {
  const auto n_layers = static_cast<int>(model_.cfg.n_layers);
  const int end = task_.demanded.empty() ? site_.last_layer() + 1 : n_layers;
  if (door.half == Door::Half::kResidMid && door.layer < end) mlp_half(door.layer++, stream);
  for (int layer = door.layer; layer < std::min(end, n_layers); ++layer) {
    attention_half(layer, stream);
    mlp_half(layer, stream);
  }
  return end < n_layers ? Tensor() : final_layer_norm(std::move(stream));
}

void Forward::attention_half(int layer, Stream& stream) {
  const PackedBlock& w = model_.packed.blocks[static_cast<std::size_t>(layer)];
  // Keys and values are new where the stream changed; from there on later positions change too.
  const bool observed = site_.wants_any(layer, kResidPre, kResidMid);
  const RowSet changed = observed ? all_ : stream.rows;
  const RowSet wanted = observed ? all_ : needed_after_attention(layer, changed);
  const RowSet reading = changed.united_with(wanted);
  const RowPicker of_changed(reading, changed);
  const RowPicker of_wanted(reading, wanted);

  Tensor resid_pre = filled(std::move(stream), &BaseRun::Layer::resid_pre, layer, reading);
  touch(kResidPre, layer, resid_pre);
  split_inputs(layer, resid_pre);
  const Normalization ln1 = {block_weights(layer).ln1, kLn1Scale, kLn1Normalized};
  const Tensor normalized = normalize(ln1, layer, resid_pre);  // [rows, d_model]
  Tensor q = project(layer, kQ, w.Q, of_wanted(normalized));   // [rows, n_heads·d_head]
  Tensor k = project(layer, kK, w.K, of_changed(normalized));  // [rows, n_key_value_heads·d_head]
  Tensor v = project(layer, kV, w.V, of_changed(normalized));  // [rows, n_key_value_heads·d_head]
  turn(kRotQ, layer, wanted, q);                               // by position, where it is rotary
  turn(kRotK, layer, changed, k);
  Tensor z = attend(layer, {q, wanted}, {k, v, changed});  // [rows, n_heads·d_head]
  touch(kZ, layer, z);
  Tensor attn_out = output_projection(layer, z);  // [rows, d_model]
  touch(kAttnOut, layer, attn_out);
  Tensor resid_mid = Tensor::uninitialized(attn_out.shape());  // [rows, d_model]
  add(ctx_, of_wanted(resid_pre), attn_out, resid_mid);
  touch(kResidMid, layer, resid_mid);

  if (task_.keep != nullptr) {
    task_.keep->layers.push_back({std::move(resid_pre), std::move(k), std::move(v), std::move(z),
                                  std::move(attn_out), Tensor::copy_of(resid_mid)});
  }
  stream = {wanted, std::move(resid_mid)};
}

void Forward::mlp_half(int layer, Stream& stream) {
  const PackedBlock& w = model_.packed.blocks[static_cast<std::size_t>(layer)];
  const RowSet rows = site_.wants_any(layer, kMlpIn, kResidPost) ? all_ : stream.rows;

  Tensor resid = filled(std::move(stream), &BaseRun::Layer::resid_mid, layer, rows);
  Tensor mlp_in;  // a copy, so that an edit reaches the MLP alone
  if (site_.wants(kMlpIn, layer)) {
    mlp_in = resid;
    touch(kMlpIn, layer, mlp_in);
  }
  const Normalization ln2 = {block_weights(layer).ln2, kLn2Scale, kLn2Normalized};
  const Tensor normalized = normalize(ln2, layer, mlp_in.empty() ? resid : mlp_in);
  const bool gated = model_.cfg.gated_mlp;
  Tensor hidden = linear(normalized, gated ? w.gate : w.in);  // [rows, d_mlp]
  touch(kMlpPre, layer, hidden);
  activate(ctx_, model_.cfg.act_fn, hidden, hidden);
  if (gated) {
    Tensor pre_linear = linear(normalized, w.in);  // [rows, d_mlp]
    touch(kMlpPreLinear, layer, pre_linear);
    multiply(ctx_, hidden, pre_linear, hidden);
  }
  touch(kMlpPost, layer, hidden);
  Tensor mlp_out = linear(hidden, w.out);  // [rows, d_model]
  touch(kMlpOut, layer, mlp_out);
  add(ctx_, resid, mlp_out, resid);
  touch(kResidPost, layer, resid);
  stream = {rows, std::move(resid)};
}

Tensor Forward::final_layer_norm(Stream stream) {
  const bool observed = site_.wants(kLnFinalScale) || site_.wants(kLnFinalNormalized);
  const RowSet& rows = observed ? all_ : task_.demanded;
  const Tensor resid = filled(std::move(stream), nullptr, -1, rows);  // [rows, d_model]
  if (task_.keep != nullptr) task_.keep->resid_final = resid;
  const Tensor normalized = normalize({model_.weights.ln_final, kLnFinalScale, kLnFinalNormalized},
                                      -1, resid);  // [rows, d_model]
  return Tensor::copy_of(RowPicker(rows, task_.demanded)(normalized));
}

Tensor Forward::normalize(const Normalization& norm, int layer, ConstTensorView x) {
  Tensor scale = Tensor::uninitialized({x.shape()[0], 1});  // [rows, 1]
  Tensor normalized = Tensor::uninitialized(x.shape());     // [rows, d_model]
  if (model_.cfg.is_rms()) {
    rms_norm_scale(ctx_, x, model_.cfg.eps, scale);
    touch(norm.scale_point, layer, scale);
    rms_norm_apply(ctx_, x, scale, normalized);
    touch(norm.normalized_point, layer, normalized);  // before the weight, as in TransformerLens
    scale_columns(ctx_, normalized, norm.weights.w.flat(), normalized);
    return normalized;
  }
  layer_norm_scale(ctx_, x, model_.cfg.eps, scale);
  touch(norm.scale_point, layer, scale);
  layer_norm_apply(ctx_, x, scale, norm.weights.w.flat(), norm.weights.b.flat(), normalized);
  touch(norm.normalized_point, layer, normalized);
  return normalized;
}

Tensor Forward::linear(ConstTensorView x, const PackedLinear& map) {
  Tensor out = Tensor::uninitialized({x.shape()[0], map.w.n()});
  matmul(ctx_, x, map.w, map.b, out);
  return out;
}

Tensor Forward::project(int layer, HookPoint output, const PackedLinear& map,
                        ConstTensorView normalized) {
  Tensor projected = linear(normalized, map);
  read_edited_inputs(layer, output, map, projected);
  touch(output, layer, projected);
  return projected;
}

void Forward::turn(HookPoint output, int layer, const RowSet& rows, Tensor& x) {
  if (!model_.cfg.is_rotary()) return;
  rotate(ctx_, model_.packed.rotary, rows.positions(), x);
  touch(output, layer, x);
}

Tensor Forward::attend(int layer, const QueryRows& queries, const KeyValueRows& fresh) {
  const BaseRun::Layer* base =
      task_.base == nullptr ? nullptr : &task_.base->layers[static_cast<std::size_t>(layer)];
  const Attention attention(ctx_, model_.cfg, task_.lengths, queries.rows);
  std::vector<const float*> keys = attention.sources(fresh.k, fresh.rows);    // [all rows]
  std::vector<const float*> values = attention.sources(fresh.v, fresh.rows);  // [all rows]
  for (std::int64_t i = 0; base != nullptr && i < all_.size(); ++i) {
    const std::int64_t row = base_row(all_[i]);
    const auto at = static_cast<std::size_t>(i);
    if (keys[at] == nullptr) keys[at] = base->k[row].data();
    if (values[at] == nullptr) values[at] = base->v[row].data();
  }
  if (!site_.wants(kAttnScores, layer) && !site_.wants(kPattern, layer)) {
    return attention.z(queries.q, keys, values);
  }
  Tensor scores = attention.scores(queries.q, keys);  // [batch, head_index, query_pos, key_pos]
  touch(kAttnScores, layer, scores);
  attention.pattern(scores);
  touch(kPattern, layer, scores);
  return attention.mix(scores, values);
}

Tensor Forward::output_projection(int layer, ConstTensorView z) {
  const PackedLinear& map = model_.packed.blocks[static_cast<std::size_t>(layer)].O;
  const std::int64_t n_heads = model_.cfg.n_heads;
  Tensor attn_out = Tensor::uninitialized({z.shape()[0], map.w.n()});
  if (!site_.wants(kResult, layer)) {
    matmul_by_head(ctx_, z, map.w, n_heads, map.b, attn_out);
    return attn_out;
  }
  Tensor result = Tensor::uninitialized({z.shape()[0], n_heads, map.w.n()});
  matmul_each_head(ctx_, z, map.w, n_heads, result);
  touch(kResult, layer, result);
  sum_heads(ctx_, result, map.b, attn_out);  // to the sum that matmul_by_head makes
  return attn_out;
}

RowSet Forward::needed_after_attention(int layer, const RowSet& changed) const {
  // An observer in a later block sees whole sequences, and what is not computed here it takes from
  // the base run; so only the demanded rows bound what is needed, and rows before the first change
  // still hold the base's values.
  const bool last = layer + 1 == model_.cfg.n_layers && site_.last_layer() < layer;
  std::vector<std::int64_t> first(task_.lengths.size(), std::numeric_limits<std::int64_t>::max());
  for (const Row& row : changed) {
    auto& least = first[static_cast<std::size_t>(row.prompt)];
    least = std::min<std::int64_t>(least, row.position);
  }
  const bool observed_later = site_.last_layer() >= layer;
  return (last ? task_.demanded : all_).where([&](const Row& row) {
    const auto prompt = static_cast<std::size_t>(row.prompt);
    return row.position >= first[prompt] &&
           (observed_later || row.position <= last_needed_[prompt]);
  });
}

Tensor Forward::filled(Stream stream, const Tensor BaseRun::Layer::*part, int layer,
                       const RowSet& rows) const {
  if (stream.rows == rows) return std::move(stream.resid);
  const Tensor* base = nullptr;
  if (task_.base != nullptr) {
    base = part == nullptr ? &task_.base->resid_final
                           : &(task_.base->layers[static_cast<std::size_t>(layer)].*part);
  }
  Tensor result = Tensor::uninitialized({rows.size(), model_.cfg.d_model});
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    const std::int64_t own = stream.rows.find(rows[i]);
    PATCHBAY_ASSERT(own >= 0 || base != nullptr);
    const ConstTensorView row =
        own >= 0 ? std::as_const(stream.resid)[own] : (*base)[base_row(rows[i])];
    std::ranges::copy(row.flat(), result[i].data());
  }
  return result;
}

}  // namespace patchbay
