// The three steps of causal attention for one head of one sequence.
#include "patchbay/tensor/attention.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "patchbay/tensor/attention.cpp"
#include "patchbay/tensor/targets.h"
// targets.h comes first: it chooses what foreach_target.h compiles.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "patchbay/tensor/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace patchbay {
namespace HWY_NAMESPACE {
namespace {

/// `Blocks`·16 scores at once: as many independent chains hide the latency of each.
template <int Blocks>
HWY_INLINE void ScoreBlocks(const float* keys, const float* q, std::int64_t d_head,
                            float attn_scale, float* scores, std::int64_t count) {
  constexpr int kVectors = Blocks * static_cast<int>(kVectorsPer16);
  Vector sum[kVectors];
  for (int v = 0; v < kVectors; ++v) sum[v] = hn::Zero(kTag);
  for (std::int64_t d = 0; d < d_head; ++d) {
    const Vector qd = Constant(q[d]);
    for (int v = 0; v < kVectors; ++v) {
      const std::int64_t block = v / kVectorsPer16;
      const std::int64_t lane = v % kVectorsPer16 * kLanes;
      const float* key = keys + (block * d_head + d) * kVirtualLanes + lane;
      sum[v] = Fma(qd, hn::LoadU(kTag, key), sum[v]);
    }
  }
  for (int block = 0; block < Blocks; ++block) {
    Lanes16 score;
    for (std::int64_t v = 0; v < kVectorsPer16; ++v) {
      score.v[v] = hn::Div(sum[block * kVectorsPer16 + v], Constant(attn_scale));
    }
    Store16(score, scores + block * kVirtualLanes, count - block * kVirtualLanes);
  }
}

void Scores(const float* keys, const float* q, std::int64_t d_head, float attn_scale, float* scores,
            std::int64_t n_keys) {
  constexpr int kBlocks = 4;
  std::int64_t done = 0;
  for (; n_keys - done > (kBlocks - 1) * kVirtualLanes; done += kBlocks * kVirtualLanes) {
    ScoreBlocks<kBlocks>(keys + done * d_head, q, d_head, attn_scale, scores + done, n_keys - done);
  }
  for (; done < n_keys; done += kVirtualLanes) {
    ScoreBlocks<1>(keys + done * d_head, q, d_head, attn_scale, scores + done, n_keys - done);
  }
}

/// `Blocks`·16 columns of z, along all keys.
template <int Blocks>
HWY_INLINE void MixColumns(const float* pattern, std::int64_t n_keys, const float* const* rows,
                           std::int64_t offset, float* z, std::int64_t count) {
  Lanes16 sum[Blocks];
  for (int block = 0; block < Blocks; ++block) sum[block] = Zero16();
  for (std::int64_t key = 0; key < n_keys; ++key) {
    const Vector weight = Constant(pattern[key]);
    for (int block = 0; block < Blocks; ++block) {
      const std::int64_t column = block * kVirtualLanes;
      const Lanes16 value = Load16(rows[key] + offset + column, count - column);
      for (std::int64_t v = 0; v < kVectorsPer16; ++v) {
        sum[block].v[v] = Fma(weight, value.v[v], sum[block].v[v]);
      }
    }
  }
  for (int block = 0; block < Blocks; ++block) {
    Store16(sum[block], z + block * kVirtualLanes, count - block * kVirtualLanes);
  }
}

void Mix(const float* pattern, std::int64_t n_keys, const float* const* rows, std::int64_t offset,
         std::int64_t d_head, float* z) {
  constexpr int kBlocks = 4;
  std::int64_t done = 0;
  for (; d_head - done >= kBlocks * kVirtualLanes; done += kBlocks * kVirtualLanes) {
    MixColumns<kBlocks>(pattern, n_keys, rows, offset + done, z + done, d_head - done);
  }
  for (; done < d_head; done += kVirtualLanes) {
    MixColumns<1>(pattern, n_keys, rows, offset + done, z + done, d_head - done);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace patchbay
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace patchbay {
namespace {

HWY_EXPORT(Scores);
HWY_EXPORT(Mix);

constexpr std::int64_t kBlock = 16;

}  // namespace

TransposedKeys::TransposedKeys(const HeadRows& keys) : d_head_(keys.d_head) {
  const auto n_keys = static_cast<std::int64_t>(keys.rows.size());
  const std::int64_t blocks = (n_keys + kBlock - 1) / kBlock;
  blocks_.resize(static_cast<std::size_t>(blocks * d_head_ * kBlock));  // beyond the end: +0
  for (std::int64_t key = 0; key < n_keys; ++key) {
    const float* row = keys.rows[static_cast<std::size_t>(key)] + keys.offset;
    float* to = blocks_.data() + key / kBlock * d_head_ * kBlock + key % kBlock;
    for (std::int64_t d = 0; d < d_head_; ++d) to[d * kBlock] = row[d];
  }
}

void TransposedKeys::scores(const float* q, std::int64_t n_keys, float attn_scale,
                            float* scores) const {
  HWY_DYNAMIC_DISPATCH(Scores)(blocks_.data(), q, d_head_, attn_scale, scores, n_keys);
}

void mix_values(const float* pattern, std::int64_t n_keys, const HeadRows& values, float* z) {
  HWY_DYNAMIC_DISPATCH(Mix)
  (pattern, n_keys, values.rows.data(), values.offset, values.d_head, z);
}

}  // namespace patchbay
#endif
