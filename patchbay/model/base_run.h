// What a whole run leaves behind for the replays that start from it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "patchbay/model/row_edits.h"
#include "patchbay/model/rows.h"
#include "patchbay/model/weights.h"
#include "patchbay/tensor/tensor.h"
#include "patchbay/text/byte_pair_encoding.h"

namespace patchbay {

/// The tokens of one prompt. Prompts of one run may differ in length; none is ever padded.
using Prompt = std::vector<TokenId>;

/// Every activation that a replay may need, of every position of every prompt, layer by layer:
/// six times d_model floats a token and layer (220 KB a token on GPT-2 small).
struct BaseRun {
  struct Layer {
    Tensor resid_pre;  // [rows, d_model]
    Tensor k;  // [rows, n_key_value_heads·d_head], as attention reads them: normalised, turned
    Tensor v;  // [rows, n_key_value_heads·d_head]
    Tensor z;  // [rows, n_heads·d_head]
    Tensor attn_out;   // [rows, d_model]
    Tensor resid_mid;  // [rows, d_model]
  };

  std::shared_ptr<const Weights> weights;  // of the model that ran: replays are of no other
  std::vector<Prompt> prompts;
  std::vector<std::int64_t> first_row;  // [prompt] index of its position 0
  std::vector<Layer> layers;
  Tensor resid_final;  // [rows, d_model] the last resid_post
  Tensor pos_embed;    // [rows, d_model] where queries and keys read it; else empty

  [[nodiscard]] std::int64_t row(std::int64_t prompt, std::int64_t position) const {
    return first_row[static_cast<std::size_t>(prompt)] + position;
  }
  /// The activation of that name, [rows, …], or null when base runs do not keep it.
  [[nodiscard]] const Tensor* find(const HookedTransformerConfig& cfg, const HookName& name) const;
  static bool keeps(const HookedTransformerConfig& cfg, HookPoint point) {
    return part_of(cfg, point) != nullptr;
  }

 private:
  using Part = Tensor Layer::*;
  static Part part_of(const HookedTransformerConfig& cfg, HookPoint point);
};

/// What a replay changes. Many variants of one base prompt can be replayed at once, each as a
/// sequence of its own.
struct ReplayStart {
  std::vector<std::int32_t> base_prompt;  ///< [sequence] the base run's prompt that it varies
  RowEdits edits;                         ///< by (sequence, position)
};

/// Rows of an activation that a replay is asked for, as they are after all edits: of the residual
/// stream, or of what attention and MLP of a block compute from it and add to it.
struct RowRead {
  HookName name;
  RowSet rows;      ///< (sequence, position)
  Tensor values{};  ///< [rows, row of the activation], filled by the replay
};

}  // namespace patchbay
