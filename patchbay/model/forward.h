// One run through the model. The ordinary forward pass and a replay are the same code: a forward
// pass is a replay from layer 0 in which every row is new.
#pragma once

#include <initializer_list>
#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/config/hooked_transformer_config.h"
#include "patchbay/model/attend.h"
#include "patchbay/model/base_run.h"
#include "patchbay/model/observers.h"
#include "patchbay/model/packed_weights.h"
#include "patchbay/model/row_edits.h"
#include "patchbay/model/rows.h"

namespace patchbay {

/// The rows of the residual stream that a run computes, and their values so far.
struct Stream {
  RowSet rows;
  Tensor resid;  // [rows, d_model]
};

/// One run. Used once, by HookedTransformer; internal to the library.
class Forward {
 public:
  struct Model {
    const HookedTransformerConfig& cfg;
    const Weights& weights;
    const PackedWeights& packed;
  };
  /// The rows whose final state somebody will read, and what the run starts from.
  struct Task {
    std::vector<std::int64_t> lengths;        // [sequence]
    RowSet demanded;                          // rows that the unembedding reads
    std::vector<std::int32_t> base_prompt{};  // [sequence]; empty for a whole run
    const BaseRun* base = nullptr;            // what unchanged rows hold; null for a whole run
    const RowEdits& edits;                    // what the run puts in the place of its own values
    BaseRun* keep = nullptr;                  // where a whole run leaves what replays need
    std::span<RowRead> reads{};               // rows of the stream that a replay is asked for
  };

  /// Whether a replay can be asked for rows of it.
  static bool can_read(HookPoint point);

  Forward(const RunContext& ctx, const Model& model, const Task& task, Observers& observers);

  /// The embeddings of whole prompts: where an ordinary pass starts.
  Stream embed(const std::vector<Prompt>& prompts);
  /// From a block to the end: the final residual stream at the demanded rows, normalised, which is
  /// what the unembedding reads, [demanded rows, d_model]. Without demanded rows it ends with what
  /// the last observer or read of the stream needs.
  Tensor run(Stream stream, int first_layer);

 private:
  /// resid_pre → resid_mid. Gives what the MLP reads where the two are parallel, nothing where the
  /// MLP reads resid_mid.
  Stream attention_half(int layer, Stream& stream);
  /// resid_mid → resid_post, which are the same where there is no MLP.
  void mlp_half(int layer, Stream& stream, Stream parallel_input);
  struct MlpRows;
  /// mlp_out [rows.out, d_model] of the stream `resid` [rows.out, d_model], or of what attention
  /// reads where the two are parallel.
  Tensor mlp(int layer, const MlpRows& rows, const Tensor& resid, Stream parallel_input);
  Tensor final_layer_norm(Stream stream);

  struct QueryRows {
    ConstTensorView q;  // [rows, n_heads·d_head]
    const RowSet& rows;
  };
  struct KeyValueRows {
    ConstTensorView k;  // [rows, n_key_value_heads·d_head]
    ConstTensorView v;  // [rows, n_key_value_heads·d_head]
    const RowSet& rows;
  };

  /// x [rows, width], each row or each of its parts normalised.
  Tensor normalize(const NormPlace& place, int layer, const RowSet& rows, Tensor x);
  /// What queries and keys read: normalized [rows, d_model], plus the vectors of their positions in
  /// a model where they alone read those.
  [[nodiscard]] PickedRows with_positions(const RowSet& rows, PickedRows normalized) const;
  void add_position(const Row& row, std::span<float> normalized) const;
  Tensor linear(ConstTensorView x, const PackedLinear& map);
  Tensor project(int layer, HookPoint output, const PackedLinear& map, const RowSet& rows,
                 ConstTensorView normalized);
  /// Rotary position embeddings of queries or keys x [rows, heads·d_head], in place.
  void apply_rotary(HookPoint output, int layer, const RowSet& rows, Tensor& x);
  Tensor attend(int layer, const QueryRows& queries, const KeyValueRows& fresh);
  Tensor output_projection(int layer, const RowSet& rows, ConstTensorView z);

  // hook_attn_in and hook_q|k|v_input (split_inputs.cpp): a copy of the stream for every head.
  struct EditedInput {
    std::int64_t row;     // of what is projected
    const float* values;  // [d_model]
  };
  void split_inputs(int layer, const RowSet& rows, ConstTensorView resid_pre);
  [[nodiscard]] std::vector<std::vector<EditedInput>> edited_inputs(int layer, HookPoint output,
                                                                    const RowSet& rows) const;
  void read_edited_inputs(int layer, HookPoint output, const PackedLinear& map, const RowSet& rows,
                          TensorView projected);

  // Which rows a run computes (changed_rows.cpp).
  /// Edits of a block's input, so that rows they leave as they were are not computed.
  void edit_input(int layer, Stream& stream) const;
  /// What one attention half computes, each set within the one after it but `changed`.
  struct AttentionRows {
    RowSet changed;    // with keys and values of their own
    RowSet attended;   // with queries, whose attention is computed
    RowSet projected;  // whose output projection is computed
    RowSet out;        // with an attn_out of their own: computed or replaced
  };
  [[nodiscard]] AttentionRows attention_rows(int layer, const RowSet& stream) const;
  /// What one MLP half computes, each set within the one after it.
  struct MlpRows {
    RowSet computed;  // whose MLP is computed
    RowSet out;       // with an mlp_out of their own: computed or replaced
    RowSet post;      // with a resid_post of their own
  };
  [[nodiscard]] MlpRows mlp_rows(int layer, const RowSet& stream) const;
  /// Whether anything that the run must produce reads this row of a block's output.
  [[nodiscard]] bool is_needed(int layer, const Row& row) const;
  [[nodiscard]] RowSet edited_rows(int layer, std::initializer_list<HookPoint> points) const {
    return task_.edits.rows(layer, points);
  }
  /// The rows of a replay of which one edit replaces every element.
  [[nodiscard]] RowSet replaced_rows(int layer, std::initializer_list<HookPoint> points) const;

  /// What the base run holds of a block: the activation that a replay starts from there.
  using BasePart = Tensor BaseRun::Layer::*;
  /// The values at `rows`: the stream's own where it has them, else the base run's.
  [[nodiscard]] Tensor with_base_rows(Stream stream, const Tensor* base, const RowSet& rows) const;
  [[nodiscard]] Tensor rows_of(const Stream& stream, const Tensor* base, const RowSet& rows) const;
  /// Fills the reads of this state of the stream.
  void read(HookPoint point, int layer, const Stream& stream, const Tensor* base);
  /// Fills the reads of an activation of which all rows that are read were computed.
  void read(HookPoint point, int layer, const RowSet& rows, ConstTensorView activation);
  /// The rows of these points that somebody reads, which have to be computed.
  [[nodiscard]] RowSet read_rows(int layer, std::initializer_list<HookPoint> points) const;
  [[nodiscard]] const Tensor* base_part(BasePart part, int layer) const;
  /// The last block's resid_post and the next block's resid_pre are the same.
  [[nodiscard]] const Tensor* base_resid_post(int layer) const;
  /// Without the rows whose values are the base run's, bit for bit: they changed nothing.
  [[nodiscard]] Stream drop_unchanged(Stream stream, const Tensor* base) const;
  [[nodiscard]] const Block& block(int layer) const {
    return model_.packed.blocks[static_cast<std::size_t>(layer)];
  }
  [[nodiscard]] std::int64_t base_row(const Row& row) const {
    return task_.base->row(task_.base_prompt[static_cast<std::size_t>(row.sequence)], row.position);
  }
  /// Every activation [rows, …] passes here: first its edits, then its hooks.
  void visit(HookPoint point, int layer, const RowSet& rows, Tensor& activation);

  const RunContext& ctx_;
  const Model model_;
  const Task& task_;
  Observers& observers_;
  RowSet all_;                             // every position of every sequence
  RowSet wanted_;                          // rows that are demanded or read
  std::vector<std::int64_t> last_needed_;  // [sequence] the last wanted position, −1 for none
  std::size_t open_reads_;                 // that are not filled yet
  Tensor pos_embed_;  // [all rows, d_model] of a whole run in which queries and keys read it

  // Of the block at work, only while somebody looks at its split inputs.
  struct SplitInputs {
    ConstTensorView resid_pre;  // [rows, d_model]
    // Empty where nobody looks.
    Tensor q_input;  // [rows, n_heads, d_model]
    Tensor k_input;  // [rows, n_key_value_heads, d_model]
    Tensor v_input;  // [rows, n_key_value_heads, d_model]
  };
  SplitInputs split_;
};

}  // namespace patchbay
