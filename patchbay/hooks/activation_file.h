// Activations of runs in a file that numpy.load reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
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

  /// Names of arrays begin with `prefix` from now on: "length_14." for prompts of 14 tokens.
  void begin_group(std::string prefix) { prefix_ = std::move(prefix); }
  /// "prompts" [batch], the numbers of prompts. Throws as NpzWriter::add, as all here.
  void add_numbers(const std::vector<std::int64_t>& numbers);
  /// "tokens" [batch, pos], of prompts that are equally long; throws kUsage for others.
  void add_tokens(std::span<const std::vector<TokenId>> prompts);
  /// Every activation of the cache under its full name, in forward order.
  void add(const ActivationCache& cache);
  /// "logits" [batch, pos, d_vocab], of so many prompts' `logits` [batch·pos, d_vocab].
  void add_logits(ConstTensorView logits, std::int64_t batch = 1);
  /// Makes the file be there, whole.
  void close() { writer_.close(); }

  [[nodiscard]] const std::vector<Array>& arrays() const { return arrays_; }

 private:
  void add(const std::string& name, const std::string& axes, ConstTensorView values);
  void add(const std::string& name, const std::string& axes, const std::vector<std::int64_t>& shape,
           const std::vector<std::int64_t>& values);

  NpzWriter writer_;
  std::string prefix_;
  std::vector<Array> arrays_;
};

}  // namespace patchbay
