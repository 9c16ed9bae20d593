// Rotary position embeddings (Su et al. 2021, "RoFormer", equation 34): of the first `dims`
// dimensions of a head, all or some, two and two turn together.
//
// The table of sines and cosines is made in double precision by code of our own, without the C
// library's functions, so its bits are the same everywhere.
#pragma once

#include <cstdint>
#include <span>

#include "patchbay/base/run_context.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// Which dimensions are pair i: i and i + dims/2, as LLaMA arranges them, or 2i and 2i + 1, as
/// GPT-J does.
enum class RotaryPairs : std::int8_t { kHalves, kAdjacent };

/// cos and sin of position · base^(−2i/dims), for every position and every pair i of dimensions.
struct RotaryTable {
  Tensor cos{};  // [n_ctx, dims/2]
  Tensor sin{};  // [n_ctx, dims/2]
  RotaryPairs pairs = RotaryPairs::kHalves;

  RotaryTable() = default;
  /// Throws kUsage unless dims is even and positive, n_ctx 0 or more and base at least 1.
  RotaryTable(const RunContext& ctx, double base, std::int64_t n_ctx, std::int64_t dims,
              RotaryPairs pairs = RotaryPairs::kHalves);
};

/// Turns the first dims dimensions of every head of x [rows, heads·d_head], in place, by the
/// position of its row: (a, b) → (a·cos − b·sin, b·cos + a·sin), each product and sum rounded once.
/// Throws kUsage when x does not have one position a row and whole heads, a head has fewer
/// dimensions than the table turns, or a position is not in the table.
void rotate(const RunContext& ctx, const RotaryTable& table,
            std::span<const std::int32_t> positions, std::int64_t d_head, TensorView x);

}  // namespace patchbay
