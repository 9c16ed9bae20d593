// Activations of one run in a file that numpy.load reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "patchbay/hooks/activation_cache.h"
#include "patchbay/io/npy.h"
#include "patchbay/tensor/tensor.h"
#include "patchbay/text/byte_pair_encoding.h"

namespace patchbay {

/// An .npz file of arrays, each with the axis "batch" first. It appears when close() is called, and
/// is never held in memory.
class ActivationFile {
 public:
  /// An array that is in the file.
  struct Array {
    std::string name;
    std::string axes;  ///< "[batch, head_index, query_pos, key_pos]"
    std::vector<std::int64_t> shape;
  };

  /// Throws kCannotCreate before anything is computed.
  explicit ActivationFile(const std::filesystem::path& path) : writer_(path) {}

  /// "tokens" [batch, pos], of one prompt. Throws as NpzWriter::add, as all here.
  void add_tokens(std::span<const TokenId> tokens);
  /// Every activation of the cache under its full name, in forward order.
  void add(const ActivationCache& cache);
  /// "logits" [batch, pos, d_vocab], of one prompt's `logits` [pos, d_vocab].
  void add_logits(ConstTensorView logits);
  /// Makes the file be there, whole.
  void close() { writer_.close(); }

  [[nodiscard]] const std::vector<Array>& arrays() const { return arrays_; }

 private:
  void add(const std::string& name, const std::string& axes, ConstTensorView values);

  NpzWriter writer_;
  std::vector<Array> arrays_;
};

}  // namespace patchbay
