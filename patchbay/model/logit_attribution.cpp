#include "patchbay/model/logit_attribution.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <span>

#include "patchbay/base/check.h"
#include "patchbay/base/error.h"
#include "patchbay/base/float_environment.h"

namespace patchbay {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorKind::kUsage, "logit attribution", what);
}

// The tensor with one more component, which is zero.
Tensor with_one_more(const Tensor& values) {
  std::vector<std::int64_t> extents(values.shape().extents().begin(),
                                    values.shape().extents().end());
  extents.front() += 1;
  Tensor out{Shape(extents)};
  std::ranges::copy(values.flat(), out.data());
  return out;
}

// The token's direction in the normalised stream, W_U[:, token] minus that of the incorrect token,
// and what b_U adds.
struct Direction {
  std::vector<double> w;  // [d_model]
  double b = 0.0;

  void add(const Weights& weights, TokenId token, double sign) {
    if (token < 0 || token >= weights.W_U.shape()[1]) {
      fail(fmt::format("there is no token {}; the vocabulary has {}", token,
                       weights.W_U.shape()[1]));
    }
    for (std::int64_t m = 0; m < weights.W_U.shape()[0]; ++m) {
      w[static_cast<std::size_t>(m)] += sign * static_cast<double>(weights.W_U(m, token));
    }
    b += sign * static_cast<double>(weights.b_U(token));
  }
};

std::vector<Direction> directions_of(const Weights& weights, const LogitAttrsOptions& options) {
  const auto d_model = static_cast<std::size_t>(weights.W_U.shape()[0]);
  std::vector<Direction> directions;
  for (std::size_t i = 0; i < options.tokens.size(); ++i) {
    Direction direction{.w = std::vector<double>(d_model, 0.0)};
    direction.add(weights, options.tokens[i], 1.0);
    if (!options.incorrect_tokens.empty()) {
      direction.add(weights, options.incorrect_tokens[i], -1.0);
    }
    directions.push_back(std::move(direction));
  }
  return directions;
}

// A norm with its scale held fixed, at the rows of a stack; a row is a prompt and a position.
struct FixedLayerNorm {
  std::vector<double> w;      // [d_model]
  std::vector<double> b;      // [d_model], zeros in a root-mean-square norm
  std::vector<double> scale;  // [rows]
  std::int64_t batch;
  bool complete;
  bool centres;

  [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(scale.size()); }
  // (x − mean(x)) / scale · w, for one row x [d_model]; a root-mean-square norm leaves the mean.
  void apply(std::span<const float> x, std::int64_t row, std::vector<double>& out) const {
    double mean = 0.0;
    if (centres) {
      for (const float value : x) mean += static_cast<double>(value);
    }
    mean /= static_cast<double>(x.size());
    out.resize(x.size());
    for (std::size_t m = 0; m < x.size(); ++m) {
      out[m] = (static_cast<double>(x[m]) - mean) / scale[static_cast<std::size_t>(row)] * w[m];
    }
  }
};

FixedLayerNorm fixed_layer_norm(const ActivationCache& cache, const Weights& weights,
                                const ResidualStack& stack, const ApplyLnOptions& options) {
  if (stack.layer_norm_applied) {
    fail("this stack went through a LayerNorm already; give the stack as it was before");
  }
  if (cache.cfg().normalization_type == NormKind::kNone) {
    fail("this model has no norms; its stacks are what the unembedding reads already");
  }
  const int layer = resolve_layer(cache.cfg(), options.layer, options.mlp_input);
  const Norm* ln = &weights.ln_final;
  HookName hook = {HookPoint::kLnFinalScale};
  if (layer < cache.cfg().n_layers) {
    check_index("logit attribution", "block of the weights", layer, std::ssize(weights.blocks));
    const BlockWeights& block = weights.blocks[static_cast<std::size_t>(layer)];
    ln = options.mlp_input ? &block.ln2 : &block.ln1;
    hook = {options.mlp_input ? HookPoint::kLn2Scale : HookPoint::kLn1Scale, layer};
  }
  const Tensor& scale = cache[hook];  // [batch, pos, 1]
  const std::int64_t batch = scale.shape()[0];
  const std::int64_t pos = scale.shape()[1];
  const std::int64_t d_model = cache.cfg().d_model;
  const auto components = static_cast<std::int64_t>(stack.labels.size());
  const Shape expected =
      stack.pos ? Shape{components, batch, d_model} : Shape{components, batch, pos, d_model};
  if (!(stack.values.shape() == expected) || stack.pos.value_or(0) >= pos ||
      stack.pos.value_or(0) < 0 || !(ln->b.empty() || ln->b.size() == d_model)) {
    fail(fmt::format("the stack is {}, but the run of this cache and these weights needs {}",
                     stack.values.shape().str(), expected.str()));
  }
  FixedLayerNorm result{.w = {},
                        .b = {},
                        .scale = {},
                        .batch = batch,
                        .complete = options.meaning == LayerNormMeaning::kComplete,
                        .centres = ln->centres()};
  for (std::int64_t i = 0; i < d_model; ++i) {
    result.w.push_back(ln->weight(i));
    result.b.push_back(ln->bias(i));
  }
  for (std::int64_t row = 0; row < batch * pos; ++row) {
    if (stack.pos && row % pos != *stack.pos) continue;
    result.scale.push_back(static_cast<double>(scale.data()[row]));
  }
  if (!result.complete) std::ranges::fill(result.w, 1.0);
  return result;
}

}  // namespace

ResidualStack apply_ln_to_stack(const ActivationCache& cache, const Weights& weights,
                                const ResidualStack& stack, const ApplyLnOptions& options) {
  const FloatEnvironment environment;
  const FixedLayerNorm ln = fixed_layer_norm(cache, weights, stack, options);
  const std::int64_t rows = ln.rows();
  const std::int64_t d_model = stack.values.shape()[-1];
  const std::int64_t components = stack.values.shape()[0];
  const bool states = stack.kind == ResidualStack::Kind::kStates;
  const bool bias_component = ln.complete && !states;

  ResidualStack result = stack;
  result.layer_norm_applied = true;
  if (bias_component) {
    result.values = with_one_more(stack.values);
    result.labels.emplace_back("bias");
  }
  std::vector<double> normalized;  // [d_model]
  for (std::int64_t i = 0; i < result.values.size() / d_model; ++i) {
    const std::span<float> row(result.values.data() + i * d_model,
                               static_cast<std::size_t>(d_model));
    const bool is_bias = i >= components * rows;
    if (!is_bias) ln.apply(row, i % rows, normalized);
    const bool add_bias = ln.complete && (states || is_bias);
    for (std::size_t m = 0; m < row.size(); ++m) {
      row[m] = static_cast<float>((is_bias ? 0.0 : normalized[m]) + (add_bias ? ln.b[m] : 0.0));
    }
  }
  return result;
}

LogitAttributions logit_attrs(const ActivationCache& cache, const Weights& weights,
                              const ResidualStack& stack, const LogitAttrsOptions& options) {
  const FloatEnvironment environment;
  if (cache.cfg().output_logits_soft_cap > 0) {
    fail(
        "this model caps its logits, so they are no sums of what components write; patch runs "
        "instead");
  }
  const FixedLayerNorm ln = fixed_layer_norm(cache, weights, stack, {.meaning = options.meaning});
  const std::int64_t rows = ln.rows();
  const std::int64_t batch = ln.batch;
  const auto count = static_cast<std::int64_t>(options.tokens.size());
  if (count != 1 && count != batch && count != rows) {
    fail(fmt::format("{} tokens for {} prompts; give one for all, one per prompt{}", count, batch,
                     stack.pos ? "" : fmt::format(", or one per position ({})", rows)));
  }
  if (!options.incorrect_tokens.empty() &&
      options.incorrect_tokens.size() != options.tokens.size()) {
    fail(fmt::format("{} tokens and {} incorrect tokens; give as many of both", count,
                     options.incorrect_tokens.size()));
  }
  if (weights.W_U.shape()[0] != stack.values.shape()[-1] ||
      weights.b_U.shape() != Shape{weights.W_U.shape()[-1]}) {
    fail(fmt::format(
        "W_U {} and b_U {} do not read a stack of {}; give the weights of the model that "
        "ran",
        weights.W_U.shape().str(), weights.b_U.shape().str(), stack.values.shape().str()));
  }
  const std::vector<Direction> directions = directions_of(weights, options);
  const auto direction_of = [&](std::int64_t row) -> const Direction& {
    return directions[static_cast<std::size_t>(row * count / rows)];
  };

  const bool states = stack.kind == ResidualStack::Kind::kStates;
  const Shape& shape = stack.values.shape();  // [component, batch(, pos), d_model]
  LogitAttributions result;
  result.values = Tensor(Shape(shape.extents().first(shape.extents().size() - 1)));
  result.labels = stack.labels;
  const auto dot = [](const std::vector<double>& a, const std::vector<double>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  };
  std::vector<double> normalized;  // [d_model]
  for (std::int64_t i = 0; i < result.values.size(); ++i) {
    const Direction& direction = direction_of(i % rows);
    ln.apply({stack.values.data() + i * shape[-1], static_cast<std::size_t>(shape[-1])}, i % rows,
             normalized);
    double value = dot(normalized, direction.w);
    if (ln.complete && states) value += dot(ln.b, direction.w) + direction.b;
    result.values.data()[i] = static_cast<float>(value);
  }
  if (ln.complete && !states) {
    const std::int64_t first = result.values.size();
    result.values = with_one_more(result.values);
    result.labels.emplace_back("bias");
    for (std::int64_t row = 0; row < rows; ++row) {
      const Direction& direction = direction_of(row);
      result.values.data()[first + row] = static_cast<float>(dot(ln.b, direction.w) + direction.b);
    }
  }
  return result;
}

}  // namespace patchbay
