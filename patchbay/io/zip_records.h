// The little-endian fields and signatures of zip records, shared by zip_reader.cpp and
// zip_writer.cpp.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace patchbay::zip {

static_assert(std::endian::native == std::endian::little, "fields are copied without swapping");

inline constexpr std::uint32_t kLocalHeader = 0x04034B50;
inline constexpr std::uint32_t kDirectoryEntry = 0x02014B50;
inline constexpr std::uint32_t kEnd = 0x06054B50;
inline constexpr std::uint32_t kEnd64 = 0x06064B50;
inline constexpr std::uint32_t kEnd64Locator = 0x07064B50;

inline constexpr std::size_t kLocalHeaderSize = 30;
inline constexpr std::size_t kDirectoryEntrySize = 46;
inline constexpr std::size_t kEndSize = 22;
inline constexpr std::size_t kEnd64Size = 56;
inline constexpr std::size_t kEnd64LocatorSize = 20;

/// The id of the extra field that holds 64-bit sizes, and the values that point to it.
inline constexpr std::uint16_t kExtra64 = 1;
inline constexpr std::uint32_t kSeeExtra64 = 0xFFFFFFFF;
inline constexpr std::uint16_t kManyEntries = 0xFFFF;

inline constexpr std::uint16_t kEncrypted = 1;
inline constexpr std::uint16_t kUtf8Name = 0x800;

/// Appends the bytes of an unsigned integer; the type at the call says how many.
template <typename T>
void put(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

/// The integer at `offset`; the caller has checked that it is there.
template <typename T>
T get(std::string_view bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

}  // namespace patchbay::zip
