#include "patchbay/model/weight_processing.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <span>
#include <vector>

#include "patchbay/base/error.h"
#include "patchbay/base/float_environment.h"
#include "patchbay/base/suggest.h"
#include "patchbay/base/words.h"
#include "patchbay/io/json_writer.h"

namespace patchbay {
namespace {

// Throws unless the tensors are those of one model: all blocks alike, all of one d_model.
void check_whole(const Weights& weights) {
  const auto refuse = [](const std::string& name, const std::string& what) {
    throw Error(ErrorKind::kBadData, "weights",
                fmt::format("\"{}\" {}; take the weights of one model", name, what));
  };
  if (weights.blocks.empty() || weights.W_E.shape().rank() != 2) {
    refuse("embed.W_E", "and the blocks behind it are not there");
  }
  const std::int64_t d_model = weights.W_E.shape()[1];
  const std::map<std::string_view, int> axis_of_d_model = {
      {"W_pos", 1}, {"W_Q", 1},    {"W_K", 1},   {"W_V", 1},   {"W_O", 2}, {"b_O", 0},
      {"W_in", 0},  {"W_gate", 0}, {"W_out", 1}, {"b_out", 0}, {"W_U", 0}};
  std::map<std::string, Shape> first;  // of block 0, by the name in a block
  std::map<std::string, std::int64_t> counts;
  for_each_weight(weights, [&](const std::string& name, const Tensor& tensor) {
    const Shape& shape = tensor.shape();
    const auto axis = axis_of_d_model.find(std::string_view(name).substr(name.rfind('.') + 1));
    if (axis != axis_of_d_model.end() &&
        (shape.rank() <= axis->second || shape[axis->second] != d_model)) {
      refuse(name, fmt::format("has shape {}, where W_E has d_model {}", shape.str(), d_model));
    }
    if (!name.starts_with("blocks.")) return;
    const std::string part = name.substr(name.find('.', sizeof("blocks.") - 1));
    ++counts[part];
    const auto [known, is_new] = first.emplace(part, shape);
    if (!is_new && !(known->second == shape)) {
      refuse(name, fmt::format("has shape {}, in block 0 {}", shape.str(), known->second.str()));
    }
  });
  if (weights.b_U.shape().rank() != 1 || weights.W_U.shape()[1] != weights.b_U.size()) {
    refuse("unembed.W_U", fmt::format("has shape {}, and b_U {}", weights.W_U.shape().str(),
                                      weights.b_U.shape().str()));
  }
  for (const auto& [part, count] : counts) {
    if (count != std::ssize(weights.blocks)) refuse("blocks.*" + part, "is not in every block");
  }
}

// Folds w·x̂ + b, the end of a norm, into the map W x + bias that reads it, and centres W if the
// norm centres: what a root-mean-square norm reads is not centred, so W must not be either.
void fold_into(const Norm& ln, TensorView W, std::span<float> bias) {
  const std::int64_t d_model = W.shape()[0];  // W [d_model, n], bias [n]
  const std::int64_t n = W.shape()[1];
  std::vector<double> moved(bias.begin(), bias.end());  // [n]
  std::vector<double> mean(bias.size(), 0.0);           // [n]
  for (std::int64_t m = 0; m < d_model; ++m) {
    const double w = ln.weight(m);
    const double b = ln.bias(m);
    const std::span<const float> row = W[m].flat();
    for (std::size_t j = 0; j < row.size(); ++j) {
      moved[j] += b * static_cast<double>(row[j]);
      mean[j] += w * static_cast<double>(row[j]);
    }
  }
  for (double& sum : mean) sum = ln.centres() ? sum / static_cast<double>(d_model) : 0.0;
  for (std::int64_t m = 0; m < d_model; ++m) {
    const double w = ln.weight(m);
    for (std::int64_t j = 0; j < n; ++j) {
      W(m, j) =
          static_cast<float>(w * static_cast<double>(W(m, j)) - mean[static_cast<std::size_t>(j)]);
    }
  }
  for (std::size_t j = 0; j < bias.size(); ++j) bias[j] = static_cast<float>(moved[j]);
}

void set_to_identity(Norm& ln) {
  std::ranges::fill(ln.w.flat(), 1.0F);
  std::ranges::fill(ln.b.flat(), 0.0F);
}

// Folds the norm into the maps of all heads, W [heads, d_model, d_head], bias [heads, d_head].
void fold_into_heads(const Norm& ln, Tensor& W, Tensor& bias) {
  for (std::int64_t head = 0; head < W.shape()[0]; ++head) {
    fold_into(ln, W[head], bias[head].flat());
  }
}

void center(std::span<float> values) {
  double mean = 0.0;
  for (const float value : values) mean += static_cast<double>(value);
  mean /= static_cast<double>(values.size());
  for (float& value : values) value = static_cast<float>(static_cast<double>(value) - mean);
}

void center_rows(TensorView x) {  // [rows, n]
  for (std::int64_t row = 0; row < x.shape()[0]; ++row) center(x[row].flat());
}

void move_value_biases(AttentionWeights& attn) {
  const Shape& shape = attn.W_O.shape();                      // [n_heads, d_head, d_model]
  const std::int64_t group = shape[0] / attn.b_V.shape()[0];  // query heads per value head
  const std::span<float> b_O = attn.b_O.flat();
  std::vector<double> moved(b_O.begin(), b_O.end());  // [d_model]
  for (std::int64_t head = 0; head < shape[0]; ++head) {
    for (std::int64_t i = 0; i < shape[1]; ++i) {
      const double b = attn.b_V(head / group, i);
      const std::span<const float> row = attn.W_O.view()[head][i].flat();
      for (std::size_t m = 0; m < row.size(); ++m) moved[m] += b * static_cast<double>(row[m]);
    }
  }
  for (std::size_t m = 0; m < b_O.size(); ++m) b_O[m] = static_cast<float>(moved[m]);
  std::ranges::fill(attn.b_V.flat(), 0.0F);
}

}  // namespace

void fold_layer_norm(Weights& weights) {
  const FloatEnvironment environment;
  if (weights.processing.fold_layer_norm) return;
  check_whole(weights);
  for (BlockWeights& block : weights.blocks) {
    AttentionWeights& attn = block.attn;
    fold_into_heads(block.ln1, attn.W_Q, attn.b_Q);
    fold_into_heads(block.ln1, attn.W_K, attn.b_K);
    fold_into_heads(block.ln1, attn.W_V, attn.b_V);
    set_to_identity(block.ln1);
    if (!block.mlp.W_in.empty()) fold_into(block.ln2, block.mlp.W_in, block.mlp.b_in.flat());
    if (!block.mlp.W_gate.empty()) {
      std::vector<float> no_bias(static_cast<std::size_t>(block.mlp.W_gate.shape()[1]));
      fold_into(block.ln2, block.mlp.W_gate, no_bias);
    }
    set_to_identity(block.ln2);
    if (weights.processing.fold_value_biases) move_value_biases(attn);
  }
  fold_into(weights.ln_final, weights.W_U, weights.b_U.flat());
  set_to_identity(weights.ln_final);
  weights.processing.fold_layer_norm = true;
}

void center_writing_weights(Weights& weights) {
  const FloatEnvironment environment;
  if (weights.processing.center_writing_weights) return;
  check_whole(weights);
  if (!weights.ln_final.centres()) {
    throw Error(ErrorKind::kUsage, "weights",
                fmt::format("center_writing_weights needs LayerNorm, which takes the mean away; "
                            "this model has {} norms, so leave it out",
                            weights.ln_final.kind == NormKind::kRms ? "root-mean-square" : "no"));
  }
  for (const BlockWeights& block : weights.blocks) {
    if (block.ln1_post.kind == NormKind::kNone && block.ln2_post.kind == NormKind::kNone) continue;
    throw Error(ErrorKind::kUsage, "weights",
                "center_writing_weights cannot centre what this model's norms behind attention and "
                "MLPs write; leave it out");
  }
  center_rows(weights.W_E);
  if (!weights.W_pos.empty()) center_rows(weights.W_pos);
  for (BlockWeights& block : weights.blocks) {
    Tensor& W_O = block.attn.W_O;
    center_rows(W_O.view().reshaped({W_O.shape()[0] * W_O.shape()[1], W_O.shape()[2]}));
    center(block.attn.b_O.flat());
    if (block.mlp.W_out.empty()) continue;
    center_rows(block.mlp.W_out);
    center(block.mlp.b_out.flat());
  }
  weights.processing.center_writing_weights = true;
}

void center_unembed(Weights& weights) {
  const FloatEnvironment environment;
  if (weights.processing.center_unembed) return;
  check_whole(weights);
  center_rows(weights.W_U);
  center(weights.b_U.flat());
  weights.processing.center_unembed = true;
}

void fold_value_biases(Weights& weights) {
  const FloatEnvironment environment;
  if (weights.processing.fold_value_biases) return;
  check_whole(weights);
  for (BlockWeights& block : weights.blocks) move_value_biases(block.attn);
  weights.processing.fold_value_biases = true;
}

Weights process_weights(Weights weights, const WeightProcessing& wanted) {
  if (wanted.fold_layer_norm) fold_layer_norm(weights);
  if (wanted.center_writing_weights) center_writing_weights(weights);
  if (wanted.center_unembed) center_unembed(weights);
  if (wanted.fold_value_biases) fold_value_biases(weights);
  return weights;
}

namespace {

struct NamedFunction {
  std::string_view name;
  bool WeightProcessing::*wanted;
};
constexpr NamedFunction kFunctions[] = {
    {"fold_layer_norm", &WeightProcessing::fold_layer_norm},
    {"center_writing_weights", &WeightProcessing::center_writing_weights},
    {"center_unembed", &WeightProcessing::center_unembed},
    {"fold_value_biases", &WeightProcessing::fold_value_biases}};

}  // namespace

std::vector<std::string> names_of(const WeightProcessing& processing) {
  std::vector<std::string> names;
  for (const NamedFunction& one : kFunctions) {
    if (processing.*one.wanted) names.emplace_back(one.name);
  }
  return names;
}

WeightProcessing parse_weight_processing(std::string_view text, std::string_view option) {
  WeightProcessing wanted;
  std::vector<std::string_view> names = split(text, ',');
  if (names.back().empty()) names.pop_back();  // a comma may end the list
  for (const std::string_view name : names) {
    bool found = false;
    std::vector<std::string> known;
    for (const NamedFunction& one : kFunctions) {
      known.emplace_back(one.name);
      if (name != one.name && name != "all") continue;
      wanted.*one.wanted = true;
      found = true;
    }
    if (found) continue;
    throw Error(ErrorKind::kUsage, option,
                fmt::format("there is no {}{}; there are {} and all", json_quoted(name),
                            did_you_mean(name, known), fmt::join(known, ", ")));
  }
  return wanted;
}

}  // namespace patchbay
