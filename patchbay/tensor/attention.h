// The three steps of causal attention for one head of one sequence (Vaswani et al. 2017, eq. 1).
//
// Keys and values come as one pointer per position, because in a replay some rows are the base
// run's and some are new. Every sum is one chain of fused multiply-adds: over d_head for a score,
// over key positions 0 … query for a mixed value; nothing above the diagonal is touched.
//
// These are the engine's innermost steps: they take pointers and check nothing. model/attend.h
// calls them with rows that a checked run has.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace patchbay {

/// Where one head's vectors are: one pointer per position to a row of all heads, and the head's
/// offset in that row.
struct HeadRows {
  std::span<const float* const> rows;  // [pos] → [n_heads·d_head]
  std::int64_t offset = 0;             // head · d_head
  std::int64_t d_head = 0;
};

/// The keys of one head, transposed in blocks of sixteen positions: [block, d_head, 16].
class TransposedKeys {
 public:
  explicit TransposedKeys(const HeadRows& keys);
  /// scores[key] = q · k[key] / attn_scale for key = 0 … n_keys−1; q [d_head].
  void scores(const float* q, std::int64_t n_keys, float attn_scale, float* scores) const;

 private:
  std::vector<float> blocks_;
  std::int64_t d_head_;
};

/// z [d_head] = Σ over key = 0 … n_keys−1 of pattern[key] · v[key].
void mix_values(const float* pattern, std::int64_t n_keys, const HeadRows& values, float* z);

}  // namespace patchbay
