// Random numbers as CPython 3.11's `random` draws them, so that its data sets can be drawn again.
#include "patchbay/prompts/python_random.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <set>
#include <string>

#include "patchbay/base/error.h"

namespace patchbay {
namespace {

constexpr int kWordBits = 32;

std::vector<std::uint32_t> words_of(std::uint64_t seed) {
  std::vector<std::uint32_t> words = {static_cast<std::uint32_t>(seed)};
  const auto high = static_cast<std::uint32_t>(seed >> kWordBits);
  if (high != 0) words.push_back(high);
  return words;
}

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorKind::kUsage, "random", what); }

// Up to this many values `sample` draws from a list that shrinks, beyond it from a set of indices.
std::size_t largest_pool(std::size_t k) {
  constexpr std::size_t kSmallest = 21;
  if (k <= 5) return kSmallest;
  std::size_t power = 4;  // 4 to the ceiling of the logarithm of 3k to that base
  while (power < 3 * k) power *= 4;
  return kSmallest + power;
}

}  // namespace

PythonRandom::PythonRandom(std::uint64_t seed) { init_by_array(words_of(seed)); }

PythonRandom::PythonRandom(std::uint64_t seed, std::uint32_t stream) {
  init_by_array(std::array{static_cast<std::uint32_t>(seed),
                           static_cast<std::uint32_t>(seed >> kWordBits), stream});
}

void PythonRandom::init_by_array(std::span<const std::uint32_t> key) {
  auto& s = state_;
  const auto mixed = [&s](std::size_t i) { return s[i - 1] ^ (s[i - 1] >> 30U); };
  s[0] = 19650218U;
  for (std::size_t i = 1; i < kStateSize; ++i) {
    s[i] = 1812433253U * mixed(i) + static_cast<std::uint32_t>(i);
  }
  std::size_t i = 1;
  const auto step = [&] {
    if (++i < kStateSize) return;
    s[0] = s[kStateSize - 1];
    i = 1;
  };
  std::size_t j = 0;
  for (std::size_t n = std::max(kStateSize, key.size()); n > 0; --n) {
    s[i] = (s[i] ^ (mixed(i) * 1664525U)) + key[j] + static_cast<std::uint32_t>(j);
    j = (j + 1) % key.size();
    step();
  }
  for (std::size_t n = kStateSize - 1; n > 0; --n) {
    s[i] = (s[i] ^ (mixed(i) * 1566083941U)) - static_cast<std::uint32_t>(i);
    step();
  }
  s[0] = 0x80000000U;
}

void PythonRandom::refill() {
  constexpr std::size_t kMiddle = 397;
  for (std::size_t i = 0; i < kStateSize; ++i) {
    const std::uint32_t y =
        (state_[i] & 0x80000000U) | (state_[(i + 1) % kStateSize] & 0x7fffffffU);
    state_[i] = state_[(i + kMiddle) % kStateSize] ^ (y >> 1U) ^ ((y & 1U) != 0 ? 0x9908b0dfU : 0U);
  }
  next_ = 0;
}

std::uint32_t PythonRandom::next_word() {
  if (next_ == kStateSize) refill();
  std::uint32_t y = state_[next_++];
  y ^= y >> 11U;
  y ^= (y << 7U) & 0x9d2c5680U;
  y ^= (y << 15U) & 0xefc60000U;
  return y ^ (y >> 18U);
}

std::uint64_t PythonRandom::getrandbits(int bits) {
  if (bits < 1 || bits > 2 * kWordBits) {
    fail(fmt::format("{} bits were asked for; ask for 1 to {}", bits, 2 * kWordBits));
  }
  if (bits <= kWordBits) return next_word() >> static_cast<unsigned>(kWordBits - bits);
  const std::uint64_t low = next_word();  // words from the least significant one on
  const std::uint64_t high = next_word() >> static_cast<unsigned>(2 * kWordBits - bits);
  return low | high << kWordBits;
}

std::uint64_t PythonRandom::randbelow(std::uint64_t n) {
  if (n == 0) fail("there is nothing to draw from; give one value at least");
  const int bits = std::bit_width(n);
  std::uint64_t draw = getrandbits(bits);
  while (draw >= n) draw = getrandbits(bits);
  return draw;
}

std::vector<std::size_t> PythonRandom::sample_indices(std::size_t n, std::size_t k) {
  if (k > n) fail(fmt::format("{} of {} values cannot be drawn; ask for fewer", k, n));
  std::vector<std::size_t> result;
  if (n <= largest_pool(k)) {
    std::vector<std::size_t> pool(n);
    std::iota(pool.begin(), pool.end(), 0);
    for (std::size_t i = 0; i < k; ++i) {
      const std::size_t j = randbelow(n - i);
      result.push_back(pool[j]);
      pool[j] = pool[n - i - 1];
    }
    return result;
  }
  std::set<std::size_t> selected;
  while (result.size() < k) {
    const std::size_t j = randbelow(n);
    if (selected.insert(j).second) result.push_back(j);
  }
  return result;
}

}  // namespace patchbay
