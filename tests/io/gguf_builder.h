// Builds GGUF files byte by byte, right or wrong in any field.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patchbay::testing {

/// The bytes of a number, little endian.
template <typename T>
std::string raw(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}
inline std::string u32(std::uint32_t value) { return raw(value); }
inline std::string u64(std::uint64_t value) { return raw(value); }

/// A string as GGUF stores it.
inline std::string gguf_string(std::string_view text) {
  return u64(text.size()) + std::string(text);
}

// The numbers of value types that tests use.
inline constexpr std::uint32_t kUint32 = 4;
inline constexpr std::uint32_t kInt32 = 5;
inline constexpr std::uint32_t kBool = 7;
inline constexpr std::uint32_t kString = 8;
inline constexpr std::uint32_t kArray = 9;
inline constexpr std::uint32_t kUint64 = 10;

/// One metadata entry; `value` is what stands behind the type.
inline std::string gguf_entry(std::string_view key, std::uint32_t type, std::string_view value) {
  return gguf_string(key) + u32(type) + std::string(value);
}
inline std::string gguf_array(std::string_view key, std::uint32_t type, std::uint64_t count,
                              std::string_view elements) {
  return gguf_entry(key, kArray, u32(type) + u64(count) + std::string(elements));
}
inline std::string gguf_strings(std::string_view key, const std::vector<std::string>& strings) {
  std::string elements;
  for (const std::string& text : strings) elements += gguf_string(text);
  return gguf_array(key, kString, strings.size(), elements);
}

/// One tensor's entry; `dims` in ggml's order, the fastest first.
inline std::string gguf_tensor(std::string_view name, const std::vector<std::uint64_t>& dims,
                               std::uint32_t type = 0, std::uint64_t offset = 0) {
  std::string bytes = gguf_string(name) + u32(static_cast<std::uint32_t>(dims.size()));
  for (const std::uint64_t extent : dims) bytes += u64(extent);
  return bytes + u32(type) + u64(offset);
}

/// A file; counts that are not given are right.
struct GgufBuilder {
  std::vector<std::string> entries = {};
  std::vector<std::string> tensors = {};
  std::string data = {};
  std::uint32_t version = 3;
  std::optional<std::uint64_t> n_entries = std::nullopt;
  std::optional<std::uint64_t> n_tensors = std::nullopt;
  std::size_t alignment = 32;

  [[nodiscard]] std::string bytes() const {
    std::string bytes = "GGUF" + u32(version) + u64(n_tensors.value_or(tensors.size())) +
                        u64(n_entries.value_or(entries.size()));
    for (const std::string& entry : entries) bytes += entry;
    for (const std::string& tensor : tensors) bytes += tensor;
    if (tensors.empty()) return bytes + data;
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
    return bytes + data;
  }
};

}  // namespace patchbay::testing
