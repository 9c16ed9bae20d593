// The element types of GGUF tensors, by the numbers that ggml gives them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace patchbay {

/// The types whose tensors can be listed; their values are ggml's own.
enum class GgmlType : std::uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kI8 = 24,
  kI16 = 25,
  kI32 = 26,
  kI64 = 27,
  kF64 = 28,
  kBF16 = 30,
};

/// How a type is stored: blocks of so many elements in so many bytes, 1 for plain numbers.
struct GgmlTypeInfo {
  GgmlType type;
  std::string_view name;  ///< "Q4_K"
  std::uint32_t block_elements;
  std::uint32_t block_bytes;
};

/// Throws kUsage for what is not one of GgmlType's.
const GgmlTypeInfo& ggml_type_info(GgmlType type);
/// The type of that number, or nullptr when it is not one of GgmlType's.
const GgmlTypeInfo* find_ggml_type(std::uint32_t number);
/// For messages, known to GgmlType or not: "Q2_K (10)", or "99" for a number that ggml does not
/// use.
std::string ggml_type_label(std::uint32_t number);

}  // namespace patchbay
