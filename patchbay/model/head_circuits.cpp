#include "patchbay/model/head_circuits.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "patchbay/base/error.h"

namespace patchbay {
namespace {

std::int64_t layer_count(const Weights& weights) {
  return static_cast<std::int64_t>(weights.blocks.size());
}

std::int64_t head_count(const Weights& weights) {
  return weights.blocks.empty() ? 0 : weights.blocks[0].attn.W_Q.shape()[0];
}

const AttentionWeights& attention(const Weights& weights, std::int64_t layer, std::int64_t head) {
  if (layer < 0 || layer >= layer_count(weights) || head < 0 || head >= head_count(weights)) {
    throw Error(ErrorKind::kUsage, "head_circuits",
                fmt::format("there is no head {}.{}; the model has {} layers of {} heads", layer,
                            head, layer_count(weights), head_count(weights)));
  }
  const BlockWeights& block = weights.blocks[static_cast<std::size_t>(layer)];
  if (block.attn.q_norm.kind != NormKind::kNone || block.ln1_post.kind != NormKind::kNone) {
    throw Error(ErrorKind::kUsage, "head_circuits",
                "this model normalises queries and keys, or what attention gives, so products of "
                "its weights are not what its heads compute; look at runs instead");
  }
  const AttentionWeights& attn = block.attn;
  const Shape& q = attn.W_Q.shape();  // [n_heads, d_model, d_head]
  const Shape& k = attn.W_K.shape();  // [n_key_value_heads, d_model, d_head]
  const bool fits = q.rank() == 3 && k.rank() == 3 && k[0] > 0 && q[0] == head_count(weights) &&
                    q[0] % k[0] == 0 && k.tail() == q.tail() && attn.W_V.shape() == k &&
                    attn.W_O.shape() == Shape{q[0], q[2], q[1]};
  if (fits) return attn;
  throw Error(ErrorKind::kUsage, "head_circuits",
              fmt::format("W_Q {}, W_K {}, W_V {} and W_O {} of layer {} are not those of one "
                          "attention; give the weights of a whole model",
                          q.str(), k.str(), attn.W_V.shape().str(), attn.W_O.shape().str(), layer));
}

// The head's keys' or values' matrix [d_model, d_head], which several heads may share.
ConstTensorView key_value_matrix(const AttentionWeights& attn, const Tensor& W, std::int64_t head) {
  return W[head / (attn.W_Q.shape()[0] / W.shape()[0])];
}

// One side of a composition, reduced to what scores need. With left = A·B and right = C·D,
// ‖A·B·C·D‖² = trace(AᵀA · BC · DDᵀ · (BC)ᵀ): nothing larger than r × r once B·C is there.
struct Side {
  DoubleMatrix inner;  // B [r, n] or C [n, r]: the factor that meets the other side
  DoubleMatrix gram;   // AᵀA or DDᵀ [r, r]: all that the norm sees of the outer factor
  double norm;
};

Side left_side(const FactoredMatrix& left) {
  const DoubleMatrix a = to_double(left.A);
  return {to_double(left.B), product(transposed(a), a), left.norm()};
}

Side right_side(const FactoredMatrix& right) {
  const DoubleMatrix d = to_double(right.B);
  return {to_double(right.A), product(d, transposed(d)), right.norm()};
}

double score(const Side& left, const Side& right) {
  const DoubleMatrix meeting = product(left.inner, right.inner);  // B·C [r, r]
  const double norms = left.norm * right.norm;
  if (norms == 0.0) return 0.0;
  const double square = inner_product(product(left.gram, meeting), product(meeting, right.gram));
  return std::sqrt(std::max(0.0, square)) / norms;
}

FactoredMatrix right_matrix(const Weights& weights, Composition mode, std::int64_t layer,
                            std::int64_t head) {
  switch (mode) {
    case Composition::kQ:
      return QK(weights, layer, head);
    case Composition::kK:
      return QK(weights, layer, head).transposed();
    case Composition::kV:
      break;
  }
  return OV(weights, layer, head);
}

// Rows begin … end−1 of W_U·W_E, some tokens at a time so that little is ever held in double.
void fill_middle(const Weights& weights, std::int64_t begin, std::int64_t end,
                 DoubleMatrix& middle) {
  constexpr std::int64_t kTokens = 512;
  const std::int64_t d_vocab = weights.W_E.shape()[0];
  for (std::int64_t first = 0; first < d_vocab; first += kTokens) {
    const std::int64_t last = std::min(d_vocab, first + kTokens);
    DoubleMatrix W_U(end - begin, last - first);
    for (std::int64_t row = begin; row < end; ++row) {
      std::copy_n(weights.W_U[row].data() + first, last - first, W_U.row(row - begin));
    }
    const DoubleMatrix part = product(W_U, to_double(weights.W_E.view().rows(first, last)));
    double* sum = middle.row(begin);
    for (const double value : part.values) *sum++ += value;
  }
}

}  // namespace

FactoredMatrix OV(const Weights& weights, std::int64_t layer, std::int64_t head) {
  const AttentionWeights& attn = attention(weights, layer, head);
  return {.A = Tensor::copy_of(key_value_matrix(attn, attn.W_V, head)),
          .B = Tensor::copy_of(attn.W_O[head])};
}

FactoredMatrix QK(const Weights& weights, std::int64_t layer, std::int64_t head) {
  const AttentionWeights& attn = attention(weights, layer, head);
  const ConstTensorView W_K = key_value_matrix(attn, attn.W_K, head);  // [d_model, d_head]
  Tensor transpose = Tensor::uninitialized({W_K.shape()[1], W_K.shape()[0]});
  for (std::int64_t m = 0; m < W_K.shape()[0]; ++m) {
    for (std::int64_t h = 0; h < W_K.shape()[1]; ++h) transpose(h, m) = W_K(m, h);
  }
  return {.A = Tensor::copy_of(attn.W_Q[head]), .B = std::move(transpose)};
}

double composition_score(const FactoredMatrix& left, const FactoredMatrix& right) {
  return score(left_side(left), right_side(right));
}

Tensor all_composition_scores(const RunContext& ctx, const Weights& weights, Composition mode) {
  const std::int64_t n_layers = layer_count(weights);
  const std::int64_t n_heads = head_count(weights);
  std::vector<Side> left;   // [layer·n_heads + head]
  std::vector<Side> right;  // [layer·n_heads + head]
  for (std::int64_t layer = 0; layer < n_layers; ++layer) {
    for (std::int64_t head = 0; head < n_heads; ++head) {
      left.push_back(left_side(OV(weights, layer, head)));
      right.push_back(right_side(right_matrix(weights, mode, layer, head)));
    }
  }
  Tensor scores({n_layers, n_heads, n_layers, n_heads});
  const TensorView table = scores.view().reshaped({n_layers * n_heads, n_layers * n_heads});
  ctx.parallel_for(n_layers * n_heads, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      for (std::int64_t j = (i / n_heads + 1) * n_heads; j < n_layers * n_heads; ++j) {
        table(i, j) = static_cast<float>(
            score(left[static_cast<std::size_t>(i)], right[static_cast<std::size_t>(j)]));
      }
    }
  });
  return scores;
}

FullOV::FullOV(const RunContext& ctx, const Weights& weights)
    : weights_(weights), middle_(weights.W_U.shape()[0], weights.W_E.shape().tail().size()) {
  const Shape& embedding = weights.W_E.shape();  // [d_vocab, d_model]
  if (embedding.rank() != 2 || weights.W_U.shape() != Shape{embedding[1], embedding[0]}) {
    throw Error(ErrorKind::kUsage, "head_circuits",
                fmt::format("W_E {} and W_U {} are not those of one model", embedding.str(),
                            weights.W_U.shape().str()));
  }
  ctx.parallel_for(middle_.rows, 64, [&](std::int64_t begin, std::int64_t end) {
    fill_middle(weights, begin, end, middle_);
  });
}

std::vector<std::complex<double>> FullOV::eigenvalues(std::int64_t layer, std::int64_t head) const {
  const AttentionWeights& attn = attention(weights_, layer, head);
  const DoubleMatrix W_O = to_double(attn.W_O[head]);                          // [d_head, d_model]
  const DoubleMatrix W_V = to_double(key_value_matrix(attn, attn.W_V, head));  // [d_model, d_head]
  return patchbay::eigenvalues(product(product(W_O, middle_), W_V));
}

double copying_score(std::span<const std::complex<double>> eigenvalues) {
  double real = 0.0;
  double magnitude = 0.0;
  for (const std::complex<double>& value : eigenvalues) {
    real += value.real();
    magnitude += std::sqrt(std::norm(value));
  }
  return magnitude == 0.0 ? 0.0 : real / magnitude;
}

Tensor copying_scores(const RunContext& ctx, const Weights& weights) {
  const FullOV circuit(ctx, weights);
  const std::int64_t n_heads = head_count(weights);
  Tensor scores({layer_count(weights), n_heads});
  ctx.parallel_for(scores.size(), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      scores.flat()[static_cast<std::size_t>(i)] =
          static_cast<float>(copying_score(circuit.eigenvalues(i / n_heads, i % n_heads)));
    }
  });
  return scores;
}

}  // namespace patchbay
