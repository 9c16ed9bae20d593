// Typed elements inside a file, read as floats, doubles or integers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/io/file.h"

namespace patchbay {

/// The element types that safetensors files name.
enum class Dtype { kF64, kF32, kF16, kBF16, kI64, kI32, kI16, kI8, kU64, kU32, kU16, kU8, kBool };

/// "F32"
std::string_view dtype_name(Dtype dtype);
std::optional<Dtype> dtype_named(std::string_view name);
/// Bytes an element.
std::size_t dtype_size(Dtype dtype);

/// The product of the extents, or nothing when an extent is negative or the product times
/// `element_size` is beyond 2^63 − 1.
std::optional<std::int64_t> element_count(std::span<const std::int64_t> shape,
                                          std::size_t element_size);

/// Elements in a row, little endian, from a byte offset of a file on.
struct ElementRange {
  const InputFile& file;
  std::uint64_t offset;
  std::int64_t count;
  Dtype dtype;
  std::string_view tag;  // for messages: "safetensors"
  std::string label;     // for messages: `FILE: tensor "x"`
};

/// F32 as it is, F16 and BF16 exactly, F64 rounded to nearest. Throws kUsage unless `out` holds
/// range.count elements; kBadData for other types and for a finite F64 that no float can hold; what
/// InputFile throws.
void read_floats(const ElementRange& range, std::span<float> out);
/// As read_floats, without rounding.
std::vector<double> read_doubles(const ElementRange& range);
/// I64 and I32. Throws kBadData for other types.
std::vector<std::int64_t> read_integers(const ElementRange& range);

}  // namespace patchbay
