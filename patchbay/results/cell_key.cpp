#include "patchbay/results/cell_key.h"

#define XXH_INLINE_ALL  // the header alone, so that whoever links the library needs no libxxhash
#include <xxhash.h>

#include <bit>

namespace patchbay {

static_assert(std::endian::native == std::endian::little,
              "numbers are digested as they lie in memory");

void KeyMaker::add_bytes(const void* data, std::size_t size) {
  bytes_.append(static_cast<const char*>(data), size);
}

KeyMaker& KeyMaker::add(std::string_view text) {
  add(static_cast<std::int64_t>(text.size()));
  add_bytes(text.data(), text.size());
  return *this;
}

KeyMaker& KeyMaker::add(std::int64_t number) {
  add_bytes(&number, sizeof(number));
  return *this;
}

KeyMaker& KeyMaker::add(double number) { return add(std::bit_cast<std::int64_t>(number)); }

KeyMaker& KeyMaker::add(const CellKey& key) {
  add_bytes(&key, sizeof(key));
  return *this;
}

KeyMaker& KeyMaker::add(std::span<const std::int32_t> numbers) {
  add(std::ssize(numbers));
  add_bytes(numbers.data(), numbers.size_bytes());
  return *this;
}

KeyMaker& KeyMaker::add(std::span<const float> numbers) {
  add(std::ssize(numbers));
  add_bytes(numbers.data(), numbers.size_bytes());
  return *this;
}

CellKey KeyMaker::key() const {
  const XXH128_hash_t hash = XXH3_128bits(bytes_.data(), bytes_.size());
  return {hash.low64, hash.high64};
}

}  // namespace patchbay
