// Checks of the vector kernels against scalar chains, on every instruction set of this machine.
#include "patchbay/tensor/kernel_checks.h"

#include <fmt/format.h>

#include <bit>
#include <functional>

#include "patchbay/base/float_environment.h"
#include "patchbay/tensor/activation.h"
#include "patchbay/tensor/attention.h"
#include "patchbay/tensor/layer_norm.h"
#include "patchbay/tensor/matmul.h"
#include "patchbay/tensor/scalar_chains.h"
#include "patchbay/tensor/softmax.h"
#include "patchbay/tensor/target.h"

namespace patchbay {
namespace {

// Numbers in [−4, 4), the same ones on every machine.
Tensor numbers(const Shape& shape, std::uint32_t seed) {
  Tensor result = Tensor::uninitialized(shape);
  std::uint32_t state = seed * 2654435761U + 1U;
  for (float& value : result.flat()) {
    state = state * 1664525U + 1013904223U;  // Numerical Recipes' generator
    value = static_cast<float>(state >> 8) * 0x1p-21F - 4.0F;
  }
  return result;
}

// An operation with the scalar answer, computed once, and the kernel, run on each target.
struct Case {
  std::string operation;
  Tensor expected;
  std::function<void(const RunContext&, TensorView)> kernel;
};

struct ProductSize {
  std::int64_t rows, k, n;
};

Case matmul_case(const ProductSize& size) {
  const auto [rows, k, n] = size;
  const Tensor x = numbers({rows, k}, 1);
  const Tensor w = numbers({k, n}, 2);
  const Tensor bias = numbers({n}, 3);
  Tensor expected({rows, n});
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      expected(i, j) = scalar::chain(x.data() + i * k, w.data() + j, k, n) + bias(j);
    }
  }
  return {"matmul", expected,
          [x, bias, packed = PackedMatrix::pack(w)](const RunContext& ctx, TensorView out) {
            matmul(ctx, x, packed, bias.flat(), out);
          }};
}

Case matmul_by_head_case(const ProductSize& size, std::int64_t n_heads) {
  const auto [rows, d_head, n] = size;
  const Tensor z = numbers({rows, n_heads * d_head}, 4);
  const Tensor w = numbers({n_heads * d_head, n}, 5);
  const Tensor bias = numbers({n}, 6);
  Tensor expected({rows, n});
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      float sum = 0.0F;
      for (std::int64_t head = 0; head < n_heads; ++head) {
        const std::int64_t first = head * d_head;
        const float part = scalar::chain(z.data() + i * n_heads * d_head + first,
                                         w.data() + first * n + j, d_head, n);
        sum = head == 0 ? part : sum + part;
      }
      expected(i, j) = sum + bias(j);
    }
  }
  return {
      "matmul_by_head", expected,
      [z, bias, n_heads, packed = PackedMatrix::pack(w)](const RunContext& ctx, TensorView out) {
        matmul_by_head(ctx, z, packed, n_heads, bias.flat(), out);
      }};
}

using Scalar = float (*)(float);
using Kernel = std::function<void(const RunContext&, ConstTensorView, TensorView)>;

Case elementwise_case(const std::string& name, Scalar scalar, const Kernel& kernel) {
  Tensor x = numbers({203}, 7);
  for (std::int64_t i = 0; i < x.size(); i += 5) x(i) *= 30.0F;  // the far ends, too
  x(1) = -0.0F;
  x(2) = 0.0F;
  x(3) = 1e-20F;
  Tensor expected(x.shape());
  for (std::int64_t i = 0; i < x.size(); ++i) expected(i) = scalar(x(i));
  return {name, expected,
          [x, kernel](const RunContext& ctx, TensorView out) { kernel(ctx, x, out); }};
}

Case activation_case(ActivationFunction function, Scalar scalar) {
  return elementwise_case(std::string(name_of(function)), scalar,
                          [function](const RunContext& ctx, ConstTensorView x, TensorView out) {
                            activate(ctx, function, x, out);
                          });
}

Case softmax_case(std::int64_t n) {
  const Tensor x = numbers({3, n}, 8);
  Tensor expected = x;
  for (std::int64_t row = 0; row < 3; ++row) scalar::softmax(expected[row].flat());
  return {"softmax", expected,
          [x](const RunContext& ctx, TensorView out) { softmax(ctx, x, out); }};
}

Case layer_norm_case(std::int64_t n) {
  constexpr float kEps = 1e-5F;
  const Tensor x = numbers({3, n}, 9);
  const Tensor w = numbers({n}, 10);
  const Tensor b = numbers({n}, 11);
  Tensor expected({3, n});
  for (std::int64_t row = 0; row < 3; ++row) {
    const auto values = x[row].flat();
    scalar::layer_norm_apply(values, scalar::layer_norm_scale(values, kEps), w.data(), b.data(),
                             expected[row].data());
  }
  return {"layer_norm", expected, [x, w, b](const RunContext& ctx, TensorView out) {
            Tensor scale({3});
            layer_norm_scale(ctx, x, kEps, scale);
            layer_norm_apply(ctx, x, scale, w.flat(), b.flat(), out);
          }};
}

// Scores of one query with all keys, and then the values mixed by them.
Case attention_case(std::int64_t n_keys, std::int64_t d_head) {
  constexpr float kScale = 2.5F;
  const Tensor q = numbers({d_head}, 12);
  const Tensor keys = numbers({n_keys, d_head}, 13);
  Tensor expected({n_keys + d_head});
  for (std::int64_t key = 0; key < n_keys; ++key) {
    expected(key) = scalar::chain(q.data(), keys.data() + key * d_head, d_head, 1) / kScale;
  }
  for (std::int64_t d = 0; d < d_head; ++d) {
    expected(n_keys + d) = scalar::chain(expected.data(), keys.data() + d, n_keys, d_head);
  }
  return {"attention", expected, [q, keys, n_keys, d_head](const RunContext&, TensorView out) {
            std::vector<const float*> rows;
            for (std::int64_t key = 0; key < n_keys; ++key) rows.push_back(keys[key].data());
            const HeadRows head{.rows = rows, .offset = 0, .d_head = d_head};
            TransposedKeys(head).scores(q.data(), n_keys, kScale, out.data());
            mix_values(out.data(), n_keys, head, out.data() + n_keys);
          }};
}

// Odd sizes: below, at and beyond vectors of 4, 8 and 16, tiles of rows, and blocks of k.
std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const ProductSize& size : std::initializer_list<ProductSize>{
           {1, 1, 1}, {3, 5, 17}, {7, 33, 16}, {14, 64, 31}, {6, 385, 19}, {19, 770, 33}}) {
    cases.push_back(matmul_case(size));
  }
  for (const ProductSize& size :
       std::initializer_list<ProductSize>{{1, 3, 5}, {5, 7, 21}, {13, 64, 33}}) {
    cases.push_back(matmul_by_head_case(size, 3));
  }
  using enum ActivationFunction;
  cases.push_back(elementwise_case("exp", &scalar::exp, &exp));
  cases.push_back(elementwise_case("tanh", &scalar::tanh, &tanh));
  cases.push_back(activation_case(kGeluNew, &scalar::gelu_new));
  cases.push_back(activation_case(kGelu, &scalar::gelu));
  cases.push_back(activation_case(kSilu, &scalar::silu));
  cases.push_back(activation_case(kRelu, &scalar::relu));
  for (const std::int64_t n : {1, 7, 16, 33, 769}) cases.push_back(softmax_case(n));
  for (const std::int64_t n : {1, 7, 16, 33, 769}) cases.push_back(layer_norm_case(n));
  cases.push_back(attention_case(1, 3));
  cases.push_back(attention_case(37, 24));
  cases.push_back(attention_case(81, 64));
  return cases;
}

std::string first_difference(const Tensor& got, const Tensor& expected) {
  const auto bits = [](float value) { return std::bit_cast<std::uint32_t>(value); };
  for (std::int64_t i = 0; i < got.size(); ++i) {
    const float a = got.data()[i];
    const float b = expected.data()[i];
    if (bits(a) == bits(b)) continue;
    return fmt::format("element {} of {} is {} and must be {}", i, got.shape().str(), a, b);
  }
  return "";
}

}  // namespace

std::vector<KernelCheck> check_kernels(const RunContext& ctx) {
  const FloatEnvironment environment;
  const std::vector<Case> cases = all_cases();
  std::vector<KernelCheck> checks;
  for (const Target& target : targets()) {
    const ScopedTarget scope(target);
    for (const Case& one : cases) {
      const bool is_new = checks.empty() || checks.back().target != target.name ||
                          checks.back().operation != one.operation;
      if (is_new) checks.push_back({.target = target.name, .operation = one.operation});
      KernelCheck& check = checks.back();
      Tensor out(one.expected.shape());
      one.kernel(ctx, out);
      check.compared += out.size();
      if (check.difference.empty()) {
        check.difference = first_difference(out, one.expected);
      }
    }
  }
  return checks;
}

}  // namespace patchbay
