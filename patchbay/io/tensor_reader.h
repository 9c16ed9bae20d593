// Reads the tensors that a family of models has from a store, and says what is wrong with a store
// that does not fit.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <utility>

#include "patchbay/io/tensor_store.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// Hugging Face's name of an unembedding that is stored.
inline constexpr const char* kUnembedding = "lm_head.weight";

/// A store in the eyes of one family, which names its tensors as Hugging Face does. Methods are
/// const and may be called from several threads; they throw kBadData.
class TensorReader {
 public:
  struct Family {
    std::string name;      ///< for messages: "gpt2"
    std::string contents;  ///< for messages: "has wte, wpe, …"
    /// The name under which the store has a tensor.
    std::function<std::string(const std::string& name)> stored_name;
    /// Whether a stored tensor is not a weight but, for example, a mask.
    std::function<bool(const std::string& stored_name)> is_ignored;
  };

  /// Throws kUsage when a function of the store or of the family is empty.
  TensorReader(TensorStore store, Family family);

  [[nodiscard]] bool is_llama_cpp() const {
    return store_.convention == TensorStore::Convention::kLlamaCpp;
  }
  [[nodiscard]] bool has(const std::string& name) const;
  /// A tensor of exactly that shape.
  [[nodiscard]] Tensor read(const std::string& name, const Shape& shape) const;
  void read_into(const std::string& name, TensorView out) const;
  /// The transpose of a matrix stored as [outputs, inputs]: out [inputs, outputs].
  [[nodiscard]] Tensor read_transposed(const std::string& name, const Shape& shape) const;

  /// The unembedding, [d_vocab, d_model], when it is a matrix of its own; empty when it is tied to
  /// W_E, whose name is `embedding`. Some files carry a tied one too; it must then be the same.
  [[nodiscard]] Tensor read_unembedding(const std::string& embedding, ConstTensorView W_E,
                                        bool tied) const;

  /// Throws when the store has anything but the `expected` tensors (and lm_head.weight) of
  /// a model of n_layers.
  void refuse_others(const std::set<std::string>& expected, std::int64_t n_layers) const;
  [[noreturn]] void fail(const std::string& what) const;

 private:
  [[nodiscard]] std::string stored(const std::string& name) const {
    return family_.stored_name(name);
  }
  void require(const std::string& name, const Shape& shape) const;

  TensorStore store_;
  Family family_;
};

}  // namespace patchbay
