// Reading and writing safetensors files, the format in which checkpoints are published.
// https://github.com/huggingface/safetensors describes it: an 8-byte length, a JSON header, the
// data.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/io/elements.h"
#include "patchbay/io/file.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// What the header says of one tensor.
struct TensorInfo {
  std::string name;
  Dtype dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin;  ///< first byte of the data, counted from the end of the header
  std::uint64_t end;    ///< one beyond the last byte
};

/// An open safetensors file. Its header has been checked whole: known types, sizes that match the
/// shapes, data without gaps or overlaps to the end of the file. Tensors are read when asked for;
/// all methods are const and may be called from several threads.
class SafetensorsFile {
 public:
  /// Throws kBadData naming the broken rule and the place; kNoInput when the file cannot be opened.
  static SafetensorsFile open(const std::filesystem::path& path);

  [[nodiscard]] const std::string& path() const { return file_.path(); }
  /// In the order of the data in the file.
  [[nodiscard]] const std::vector<TensorInfo>& tensors() const { return tensors_; }
  /// The entry `__metadata__`, empty when there is none.
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// The tensor of that name, or nullptr.
  [[nodiscard]] const TensorInfo* find(std::string_view name) const;

  /// A floating-point tensor of at most five axes as 32-bit floats: F16 and BF16 exactly, F64
  /// rounded to nearest. Throws kBadData for a missing name, another type, a finite F64 that no
  /// float holds.
  [[nodiscard]] Tensor read(std::string_view name) const;
  /// As read(), into memory of exactly that shape; throws kBadData when the file's shape is
  /// another.
  void read_into(std::string_view name, TensorView out) const;
  /// The elements in row-major order, of any number of axes, as 64-bit floats.
  [[nodiscard]] std::vector<double> read_doubles(std::string_view name) const;
  /// The elements of an I64 or I32 tensor.
  [[nodiscard]] std::vector<std::int64_t> read_integers(std::string_view name) const;

 private:
  explicit SafetensorsFile(InputFile file) : file_(std::move(file)) {}
  [[nodiscard]] const TensorInfo& get(std::string_view name) const;
  [[nodiscard]] ElementRange range(const TensorInfo& info) const;
  [[nodiscard]] Error error(std::string_view what) const;

  InputFile file_;
  std::uint64_t data_start_ = 0;
  std::vector<TensorInfo> tensors_;
  std::map<std::string, std::string> metadata_;
  std::map<std::string, std::size_t, std::less<>> index_;  // name → place in tensors_
};

/// A tensor to write, as F32 or F16.
struct NamedTensor {
  std::string name;
  ConstTensorView view;
  Dtype dtype = Dtype::kF32;
};

/// Writes the tensors in the given order, whole or not at all. F16 rounds to nearest, ties to even.
/// Throws kUsage for a name given twice, the name `__metadata__`, another dtype, or a finite value
/// that F16 cannot hold (named with its index); kCannotCreate and kInputOutput as AtomicFile does.
void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace patchbay
