// What a finished value is known by: a digest of everything that it depends on.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace patchbay {

/// 128 bits: two different contents have the same key once in some 10^19 pairs, so never here.
struct CellKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend auto operator<=>(const CellKey&, const CellKey&) = default;
};

/// Gathers contents and gives their key, by XXH3 (Collet), the same on every machine. What is added
/// keeps its borders: "ab", "c" is not "a", "bc".
class KeyMaker {
 public:
  KeyMaker& add(std::string_view text);
  KeyMaker& add(std::int64_t number);
  KeyMaker& add(double number);
  KeyMaker& add(const CellKey& key);
  KeyMaker& add(std::span<const std::int32_t> numbers);
  KeyMaker& add(std::span<const float> numbers);
  [[nodiscard]] CellKey key() const;

 private:
  void add_bytes(const void* data, std::size_t size);
  std::string bytes_;
};

}  // namespace patchbay
