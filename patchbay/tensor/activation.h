// Activation functions of MLPs, element by element.
#pragma once

#include <cstdint>
#include <string_view>

#include "patchbay/base/run_context.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// The activation functions, by TransformerLens's names.
enum class ActivationFunction {
  kGeluNew,  ///< "gelu_new": x·σ(2u) = ½x(1 + tanh u), u = √(2/π)·(x + 0.044715x³) (Hendrycks &
             ///< Gimpel 2016)
  kGelu,  ///< "gelu": x·Φ(x), exact
  kSilu,  ///< "silu": x·σ(x)
  kRelu,  ///< "relu": max(x, 0)
};

/// The name, as in HookedTransformerConfig.act_fn.
std::string_view name_of(ActivationFunction function);

// Of these, out has as many elements as the operands and may be one of them; other sizes are a
// kUsage error.

/// out = function(x), element by element.
void activate(const RunContext& ctx, ActivationFunction function, ConstTensorView x,
              TensorView out);

/// e^x, element by element.
void exp(const RunContext& ctx, ConstTensorView x, TensorView out);
/// tanh x, element by element.
void tanh(const RunContext& ctx, ConstTensorView x, TensorView out);

/// x ← cap·tanh(x/cap), over n values in place. For inner loops, nothing is checked.
void soft_cap_row(float cap, float* x, std::int64_t n);
/// The same of a tensor. Throws kUsage unless cap is positive.
void soft_cap(const RunContext& ctx, float cap, TensorView x);

/// out = x + y, element by element.
void add(const RunContext& ctx, ConstTensorView x, ConstTensorView y, TensorView out);
/// out = x · y, element by element.
void multiply(const RunContext& ctx, ConstTensorView x, ConstTensorView y, TensorView out);

}  // namespace patchbay
