#include "patchbay/model/residual_stack.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>

#include "patchbay/base/error.h"
#include "patchbay/base/float_environment.h"
#include "patchbay/tensor/matmul.h"

namespace patchbay {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorKind::kUsage, "residual stack", what);
}

// The activation at all positions [batch, pos, …], or a copy at one [batch, …].
Tensor at_position(const Tensor& activation, std::optional<std::int64_t> pos) {
  if (!pos) return activation;
  const Shape& shape = activation.shape();
  std::vector<std::int64_t> extents(shape.extents().begin(), shape.extents().end());
  extents.erase(extents.begin() + 1);
  Tensor out = Tensor::uninitialized(Shape(extents));
  for (std::int64_t prompt = 0; prompt < shape[0]; ++prompt) {
    std::ranges::copy(activation[prompt][*pos].flat(), out[prompt].data());
  }
  return out;
}

// Collects components of one shape; cuts them to the position on the way.
class Builder {
 public:
  Builder(const ActivationCache& cache, std::optional<std::int64_t> pos,
          ResidualStack::Kind kind = ResidualStack::Kind::kParts)
      : cache_(cache), pos_(pos) {
    stack_.kind = kind;
  }

  // A cached activation [batch, pos, …] at the position, if one was chosen.
  Tensor get(HookPoint point, int layer = -1) {
    const Tensor& activation = cache_[HookName{point, layer}];
    if (pos_) {
      const std::int64_t n = activation.shape()[1];
      if (*pos_ < -n || *pos_ >= n) {
        fail(fmt::format("there is no position {}; the prompts have {} tokens", *pos_, n));
      }
      stack_.pos = *pos_ < 0 ? *pos_ + n : *pos_;
    }
    return at_position(activation, stack_.pos);
  }

  void add(std::string label, Tensor component) {
    if (!components_.empty() && component.shape() != components_.front().shape()) {
      fail(fmt::format("{} is {} and {} is {}; give a cache of one run", label,
                       component.shape().str(), stack_.labels.front(),
                       components_.front().shape().str()));
    }
    stack_.labels.push_back(std::move(label));
    components_.push_back(std::move(component));
  }
  void add(std::string label, HookPoint point, int layer = -1) {
    add(std::move(label), get(point, layer));
  }

  // The residual stream before `layer` minus everything so far.
  void add_remainder(int layer) {
    Tensor remainder =
        layer == 0 ? get(HookPoint::kResidPre, 0) : get(HookPoint::kResidPost, layer - 1);
    const std::span<float> values = remainder.flat();
    for (std::size_t i = 0; i < values.size(); ++i) {
      double sum = 0.0;
      for (const Tensor& component : components_) {
        sum += static_cast<double>(component.flat()[i]);
      }
      values[i] = static_cast<float>(static_cast<double>(values[i]) - sum);
    }
    add("remainder", std::move(remainder));
  }

  // `empty_like` names an activation of the shape that a stack without components takes.
  ResidualStack finish(HookPoint empty_like) {
    const Tensor first = components_.empty() ? get(empty_like, 0) : Tensor();
    const Shape& shape = components_.empty() ? first.shape() : components_.front().shape();
    std::vector<std::int64_t> extents(shape.extents().begin(), shape.extents().end());
    extents.insert(extents.begin(), static_cast<std::int64_t>(components_.size()));
    stack_.values = Tensor::uninitialized(Shape(extents));
    for (std::size_t i = 0; i < components_.size(); ++i) {
      std::ranges::copy(components_[i].flat(), stack_.values[static_cast<std::int64_t>(i)].data());
    }
    return std::move(stack_);
  }

 private:
  const ActivationCache& cache_;
  std::optional<std::int64_t> pos_;
  ResidualStack stack_;
  std::vector<Tensor> components_;
};

// The rows of one head from results [batch(, pos), n_heads, d_model] → [batch(, pos), d_model].
Tensor pick_head(const Tensor& results, std::int64_t head) {
  const Shape& shape = results.shape();
  std::vector<std::int64_t> extents(shape.extents().begin(), shape.extents().end());
  extents.erase(extents.end() - 2);
  Tensor out = Tensor::uninitialized(Shape(extents));
  const std::int64_t d_model = shape[-1];
  const std::int64_t rows = out.size() / d_model;
  const ConstTensorView flat = results.view().reshaped({rows, shape[-2], d_model});
  for (std::int64_t row = 0; row < rows; ++row) {
    std::ranges::copy(flat[row][head].flat(), out.data() + row * d_model);
  }
  return out;
}

// z [batch(, pos), n_heads, d_head] → hook_result [batch(, pos), n_heads, d_model].
Tensor head_results(const RunContext& ctx, const Tensor& z, const Tensor& W_O) {
  const std::int64_t n_heads = W_O.shape()[0];
  const std::int64_t d_head = W_O.shape()[1];
  const std::int64_t d_model = W_O.shape()[2];
  std::vector<std::int64_t> extents(z.shape().extents().begin(), z.shape().extents().end());
  extents.back() = d_model;
  Tensor out = Tensor::uninitialized(Shape(extents));
  const std::int64_t rows = z.size() / (n_heads * d_head);
  const auto packed = PackedMatrix::pack(W_O.view().reshaped({n_heads * d_head, d_model}));
  matmul_each_head(ctx, z.view().reshaped({rows, n_heads * d_head}), packed, n_heads,
                   out.view().reshaped({rows, n_heads, d_model}));
  return out;
}

// The weights of one block, which must be of the model that ran.
const BlockWeights& block_of(const ActivationCache& cache, const Weights& weights, int layer) {
  const HookedTransformerConfig& cfg = cache.cfg();
  if (std::ssize(weights.blocks) == cfg.n_layers) {
    const BlockWeights& block = weights.blocks[static_cast<std::size_t>(layer)];
    if (block.attn.W_O.shape() == Shape{cfg.n_heads, cfg.d_head, cfg.d_model} &&
        block.mlp.W_out.shape() == Shape{cfg.d_mlp, cfg.d_model}) {
      return block;
    }
  }
  fail("the weights are not of the model whose run this cache is of; give that model's");
}

// What one neuron writes: post [batch(, pos), d_mlp] at the neuron × W_out[neuron] [d_model].
Tensor neuron_result(const Tensor& post, const Tensor& W_out, std::int64_t neuron) {
  const std::int64_t d_mlp = W_out.shape()[0];
  const std::int64_t d_model = W_out.shape()[1];
  std::vector<std::int64_t> extents(post.shape().extents().begin(), post.shape().extents().end());
  extents.back() = d_model;
  Tensor out = Tensor::uninitialized(Shape(extents));
  const std::span<const float> direction = W_out[neuron].flat();
  for (std::int64_t row = 0; row < post.size() / d_mlp; ++row) {
    const float activation = post.data()[row * d_mlp + neuron];
    std::ranges::transform(direction, out.data() + row * d_model,
                           [&](float weight) { return activation * weight; });
  }
  return out;
}

}  // namespace

int resolve_layer(const HookedTransformerConfig& cfg, std::int64_t layer, bool mlp_input) {
  if (mlp_input && cfg.attn_only) fail("this model has no MLPs; leave mlp_input out");
  const std::int64_t n_layers = cfg.n_layers;
  const std::int64_t resolved = layer == kFinalLayer ? n_layers : layer;
  const std::int64_t last = mlp_input ? n_layers - 1 : n_layers;
  if (resolved < 0 || resolved > last) {
    fail(fmt::format("there is no {} of layer {}; give 0 to {}{}",
                     mlp_input ? "MLP input" : "input", resolved, last,
                     mlp_input ? "" : ", or -1 for the end"));
  }
  return static_cast<int>(resolved);
}

ResidualStack accumulated_resid(const ActivationCache& cache, const AccumulatedOptions& options) {
  const int layer = resolve_layer(cache.cfg(), options.layer, options.mlp_input);
  Builder stack(cache, options.pos, ResidualStack::Kind::kStates);
  const bool has_mid = info(HookPoint::kResidMid).is_in(cache.cfg());
  if (options.incl_mid && !has_mid) {
    fail(fmt::format(
        "in this model {}, so there is no state between them; leave incl_mid out",
        cache.cfg().attn_only ? "no MLP comes after attention" : "attention and MLP are parallel"));
  }
  for (int l = 0; l <= layer; ++l) {
    if (l == cache.cfg().n_layers) {
      stack.add("final_post", HookPoint::kResidPost, l - 1);
      break;
    }
    stack.add(fmt::format("{}_pre", l), HookPoint::kResidPre, l);
    if (has_mid && (l < layer ? options.incl_mid : options.mlp_input)) {
      stack.add(fmt::format("{}_mid", l), HookPoint::kResidMid, l);
    }
  }
  return stack.finish(HookPoint::kResidPre);
}

ResidualStack decompose_resid(const ActivationCache& cache, const DecomposeOptions& options) {
  const int layer = resolve_layer(cache.cfg(), options.layer, options.mlp_input);
  const bool attn = options.mode != DecomposeMode::kMlp;
  if (options.mode == DecomposeMode::kMlp && cache.cfg().attn_only) {
    fail("this model has no MLPs; take another mode");
  }
  const bool mlp = options.mode != DecomposeMode::kAttn && !cache.cfg().attn_only;
  Builder stack(cache, options.pos);
  if (options.incl_embeds) {
    stack.add("embed", HookPoint::kEmbed);
    if (cache.cfg().positional_embedding_type == PositionalEmbeddingType::kStandard) {
      stack.add("pos_embed", HookPoint::kPosEmbed);
    }
  }
  for (int l = 0; l < layer; ++l) {
    if (attn) stack.add(fmt::format("{}_attn_out", l), HookPoint::kAttnOut, l);
    if (mlp) stack.add(fmt::format("{}_mlp_out", l), HookPoint::kMlpOut, l);
  }
  if (options.mlp_input && attn && !cache.cfg().parallel_attn_mlp) {
    stack.add(fmt::format("{}_attn_out", layer), HookPoint::kAttnOut, layer);
  }
  return stack.finish(HookPoint::kResidPre);
}

ResidualStack stack_head_results(const RunContext& ctx, const ActivationCache& cache,
                                 const Weights& weights, const HeadResultsOptions& options) {
  const FloatEnvironment environment;
  check_outputs_add_up(cache.cfg(), "residual stack");
  const int layer = resolve_layer(cache.cfg(), options.layer);
  Builder stack(cache, options.pos);
  for (int l = 0; l < layer; ++l) {
    const Tensor results =  // [batch(, pos), n_heads, d_model]
        cache.contains({HookPoint::kResult, l})
            ? stack.get(HookPoint::kResult, l)
            : head_results(ctx, stack.get(HookPoint::kZ, l), block_of(cache, weights, l).attn.W_O);
    for (std::int64_t head = 0; head < results.shape()[-2]; ++head) {
      stack.add(fmt::format("L{}H{}", l, head), pick_head(results, head));
    }
  }
  if (options.incl_remainder) stack.add_remainder(layer);
  return stack.finish(HookPoint::kResidPre);
}

ResidualStack stack_neuron_results(const ActivationCache& cache, const Weights& weights,
                                   const NeuronResultsOptions& options) {
  const FloatEnvironment environment;
  check_outputs_add_up(cache.cfg(), "residual stack");
  if (cache.cfg().attn_only) fail("this model has no MLPs, so it has no neurons");
  const int layer = resolve_layer(cache.cfg(), options.layer);
  Builder stack(cache, options.pos);
  for (const std::int64_t l : options.layers) {
    if (l >= 0 && l < layer) continue;
    fail(fmt::format("there is no layer {} before the stack's end; there are 0 to {}", l,
                     layer - 1));
  }
  for (int l = 0; l < layer; ++l) {
    const bool chosen =
        options.layers.empty() || std::ranges::find(options.layers, l) != options.layers.end();
    if (!chosen) continue;
    const Tensor post = stack.get(HookPoint::kMlpPost, l);        // [batch(, pos), d_mlp]
    const Tensor& W_out = block_of(cache, weights, l).mlp.W_out;  // [d_mlp, d_model]
    std::vector<std::int64_t> neurons = options.neurons;
    if (neurons.empty()) {
      neurons.resize(static_cast<std::size_t>(W_out.shape()[0]));
      std::iota(neurons.begin(), neurons.end(), std::int64_t{0});
    }
    for (const std::int64_t neuron : neurons) {
      if (neuron < 0 || neuron >= W_out.shape()[0]) {
        fail(fmt::format("there is no neuron {}; a layer has {}", neuron, W_out.shape()[0]));
      }
      stack.add(fmt::format("L{}N{}", l, neuron), neuron_result(post, W_out, neuron));
    }
  }
  if (options.incl_remainder) stack.add_remainder(layer);
  return stack.finish(HookPoint::kResidPre);
}

}  // namespace patchbay
