// Reading GGUF files, the format of llama.cpp: metadata and tensors, quantised ones too.
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md describes it: counts, keys with typed
// values, the tensors' names, shapes and offsets, then their data.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "patchbay/io/file.h"
#include "patchbay/io/ggml_type.h"
#include "patchbay/io/gguf_value.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// What the header says of one tensor.
struct GgufTensor {
  std::string name;
  GgmlType type;
  /// Row-major, the last axis is contiguous: ggml's ne in reverse. A linear layer's weight, which
  /// ggml lists as [in, out], is [out, in] here, as in PyTorch.
  std::vector<std::int64_t> shape;
  std::uint64_t begin;  ///< first byte of the data, counted from the start of all data
  std::uint64_t end;    ///< one beyond the last byte

  /// The number of elements.
  [[nodiscard]] std::int64_t size() const;
};

/// An open GGUF file of version 2 or 3, little endian. Its header has been checked whole: known
/// types, sizes that match the shapes, aligned data in the order of the header, without overlaps
/// and without gaps but for padding, to the end of the file. Tensors are read when asked for; all
/// methods are const and may be called from several threads.
class GgufFile {
 public:
  /// Throws kBadData naming the broken rule and the byte; kNoInput when the file cannot be opened.
  static GgufFile open(const std::filesystem::path& path);

  [[nodiscard]] const std::string& path() const { return file_.path(); }
  [[nodiscard]] std::uint32_t version() const { return version_; }
  [[nodiscard]] const GgufMetadata& metadata() const { return metadata_; }
  /// In the order of the file.
  [[nodiscard]] const std::vector<GgufTensor>& tensors() const { return tensors_; }
  /// All names, sorted.
  [[nodiscard]] std::vector<std::string> names() const;
  /// The tensor of that name, or nullptr.
  [[nodiscard]] const GgufTensor* find(std::string_view name) const;

  /// A tensor as 32-bit floats: F16, BF16 and quantised types as ggml defines their values, F64
  /// rounded to nearest. Throws kBadData for a missing name, an integer type, and a finite F64 that
  /// no float holds.
  [[nodiscard]] Tensor read(std::string_view name) const;
  /// As read(), into memory of exactly that shape; throws kBadData when the file's shape is
  /// another.
  void read_into(std::string_view name, TensorView out) const;

 private:
  explicit GgufFile(InputFile file) : file_(std::move(file)) {}
  [[nodiscard]] const GgufTensor& get(std::string_view name) const;
  void read_elements(const GgufTensor& tensor, std::span<float> out) const;
  [[nodiscard]] Error error(std::string_view what) const;

  InputFile file_;
  std::uint32_t version_ = 0;
  std::uint64_t data_start_ = 0;
  GgufMetadata metadata_;
  std::vector<GgufTensor> tensors_;
  std::map<std::string, std::size_t, std::less<>> index_;  // name → place in tensors_
};

}  // namespace patchbay
