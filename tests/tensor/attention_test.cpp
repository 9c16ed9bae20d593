// The steps of attention against scalar chains.
#include "patchbay/tensor/attention.h"

#include <cmath>

#include "patchbay/tensor/scalar_chains.h"
#include "tests/tensor/tensor_testing.h"

namespace patchbay {
namespace {

using testing::on_every_target;
using testing::Values;

constexpr std::int64_t kHeadSizes[] = {1, 5, 8, 15, 16, 17, 63, 64, 80};
constexpr std::int64_t kKeyCounts[] = {1, 2, 15, 16, 17, 63, 64, 65, 100};
constexpr float kUntouched = 12345.0F;

// Rows of two heads, of which the second is used, scattered in memory in reverse order.
struct Scattered {
  Scattered(Values& values, std::int64_t count, std::int64_t d_head)
      : rows(values.tensor({count, 2 * d_head})) {
    for (std::int64_t i = 0; i < count; ++i) pointers.push_back(rows[count - 1 - i].data());
    head = {pointers, d_head, d_head};
  }
  Tensor rows;
  std::vector<const float*> pointers;
  HeadRows head;
};

TEST(AttentionScores, AreScalarChainsOverDHeadOnEveryTarget) {
  Values values(21);
  for (const std::int64_t d_head : kHeadSizes) {
    const float attn_scale = std::sqrt(static_cast<float>(d_head));
    const Scattered keys(values, 100, d_head);
    const Tensor q = values.tensor({d_head});
    for (const std::int64_t n_keys : kKeyCounts) {
      on_every_target([&](const Target&) {
        std::vector<float> scores(102, kUntouched);
        const TransposedKeys transposed(keys.head);
        transposed.scores(q.data(), n_keys, attn_scale, scores.data());
        for (std::int64_t key = 0; key < n_keys; ++key) {
          const float* k = keys.pointers[static_cast<std::size_t>(key)] + d_head;
          ASSERT_EQ(scores[static_cast<std::size_t>(key)],
                    scalar::chain(q.data(), k, d_head, 1) / attn_scale)
              << d_head << " " << key;
        }
        for (std::size_t i = static_cast<std::size_t>(n_keys); i < scores.size(); ++i) {
          ASSERT_EQ(scores[i], kUntouched);
        }
      });
    }
  }
}

TEST(MixedValues, AreScalarChainsOverKeysOnEveryTarget) {
  Values values(22);
  for (const std::int64_t d_head : kHeadSizes) {
    const Scattered rows(values, 100, d_head);
    const Tensor pattern = values.tensor({100}, false);
    for (const std::int64_t n_keys : kKeyCounts) {
      on_every_target([&](const Target&) {
        std::vector<float> z(static_cast<std::size_t>(d_head) + 2, kUntouched);
        mix_values(pattern.data(), n_keys, rows.head, z.data());
        for (std::int64_t d = 0; d < d_head; ++d) {
          float chain = 0;
          for (std::int64_t key = 0; key < n_keys; ++key) {
            const float* v = rows.pointers[static_cast<std::size_t>(key)] + d_head;
            chain = std::fma(pattern(key), v[d], chain);
          }
          ASSERT_EQ(z[static_cast<std::size_t>(d)], chain) << d_head << " " << n_keys;
        }
        ASSERT_EQ(z[static_cast<std::size_t>(d_head)], kUntouched);
      });
    }
  }
}

}  // namespace
}  // namespace patchbay
