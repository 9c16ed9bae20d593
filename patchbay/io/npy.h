// numpy's array files: .npy holds one array, .npz several by name.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html describes them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/io/file.h"
#include "patchbay/io/zip.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// An array that was read: floats or integers, in row-major order.
struct NpyArray {
  std::vector<std::int64_t> shape;
  bool is_integer = false;
  Tensor floats;  ///< values of '<f4', or of '<f8' rounded to nearest; at most five axes
  std::vector<std::int64_t> integers;  ///< values of '<i8' or '<i4'
};

/// Reads a .npy file of version 1 or 2. Throws kBadData, with the byte offset, for damaged files,
/// column order (fortran_order), big-endian numbers, Python objects and other types; kNoInput as
/// InputFile.
NpyArray read_npy(const std::filesystem::path& path);

/// Write version 1.0, the bytes that numpy.save writes: '<f4' for a tensor, '<i8' for integers. The
/// product of `shape` must be the number of values, otherwise kUsage is thrown.
void write_npy(const std::filesystem::path& path, ConstTensorView view);
void write_npy(const std::filesystem::path& path, std::span<const std::int64_t> shape,
               std::span<const std::int64_t> values);

/// An open .npz file, as numpy.savez writes it. Compressed ones are refused with advice.
class NpzFile {
 public:
  static NpzFile open(const std::filesystem::path& path);

  [[nodiscard]] const std::string& path() const { return file_.path(); }
  /// The arrays' names, without `.npy`, in the order of the file.
  [[nodiscard]] std::vector<std::string> names() const;
  /// Throws kBadData for a missing name, a wrong checksum, and what read_npy refuses.
  [[nodiscard]] NpyArray read(std::string_view name) const;

 private:
  explicit NpzFile(InputFile file) : file_(std::move(file)) {}

  InputFile file_;
  std::vector<ZipEntry> entries_;
};

/// Writes a .npz file array by array; the file appears when close() is called, and is never held in
/// memory. A name such as `blocks.0.attn.hook_pattern` becomes the entry of that name with `.npy`.
class NpzWriter {
 public:
  explicit NpzWriter(const std::filesystem::path& path) : zip_(path), path_(path.string()) {}

  /// Throws kUsage for a name that is empty, used already, or holds a slash, a backslash or `..`.
  void add(std::string_view name, ConstTensorView view);
  void add(std::string_view name, std::span<const std::int64_t> shape,
           std::span<const std::int64_t> values);
  void add(std::string_view name, std::span<const std::int64_t> shape,
           std::span<const double> values);
  void close() { zip_.close(); }

 private:
  void add_values(std::string_view name, std::string_view descr,
                  std::span<const std::int64_t> shape, std::size_t count,
                  std::span<const std::byte> values);

  ZipWriter zip_;
  std::string path_;
};

}  // namespace patchbay
