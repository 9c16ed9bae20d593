// What one block computes, as data: made once from the config and the weights, and read by the
// forward pass, which knows no families.
#pragma once

#include <cstdint>
#include <span>

#include "patchbay/hooks/hook_points.h"
#include "patchbay/tensor/matmul.h"
#include "patchbay/tensor/norm.h"

namespace patchbay {

/// A linear map x·w + b. The bias stays in the plain Weights.
struct PackedLinear {
  PackedMatrix w;
  std::span<const float> b;
};

/// A norm where it stands, with the hook points of its scale and of what it gives. Without a norm
/// values pass as they are.
struct NormPlace {
  const Norm* norm = nullptr;  // in the plain Weights
  HookPoint scale{};
  HookPoint normalized{};
  std::int64_t parts = 1;  // of a row, each normalised by itself: heads

  [[nodiscard]] bool is_there() const { return norm != nullptr && norm->kind != NormKind::kNone; }
};

struct Block {
  NormPlace ln1;
  PackedLinear Q;  // [d_model, n_heads·d_head]
  PackedLinear K;  // [d_model, n_key_value_heads·d_head]
  PackedLinear V;  // [d_model, n_key_value_heads·d_head]
  NormPlace q_norm;
  NormPlace k_norm;
  PackedLinear O;  // [n_heads·d_head, d_model]
  NormPlace ln1_post;

  bool has_mlp;
  bool parallel;  // the MLP reads what attention reads
  NormPlace ln2;
  PackedLinear gate{};  // [d_model, d_mlp], of a gated MLP
  PackedLinear in{};    // [d_model, d_mlp]
  PackedLinear out{};   // [d_mlp, d_model]
  NormPlace ln2_post;
};

}  // namespace patchbay
