// Random numbers as CPython 3.11's `random` draws them, so that its data sets can be drawn again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace patchbay {

/// `random.Random(seed)` for whole seeds, bit for bit: the Mersenne Twister MT19937 of Matsumoto &
/// Nishimura (1998), seeded by their init_by_array with the seed's 32-bit words.
class PythonRandom {
 public:
  explicit PythonRandom(std::uint64_t seed);
  /// A stream of its own for each number, beside the one of the seed alone: `stream` is one more
  /// word of the key. Python has no such seeds below 2^64.
  PythonRandom(std::uint64_t seed, std::uint32_t stream);

  /// `getrandbits(bits)`. Throws kUsage unless bits is from 1 to 64.
  std::uint64_t getrandbits(int bits);
  /// `randrange(n)`: draws of n's bit length until one is below n. Throws kUsage when n is 0.
  std::uint64_t randbelow(std::uint64_t n);
  /// `choice(values)`. Throws kUsage when there are none.
  template <class T>
  const T& choice(const std::vector<T>& values) {
    return values[randbelow(values.size())];
  }
  /// The indices that `sample(range(n), k)` returns. Throws kUsage when k is more than n.
  std::vector<std::size_t> sample_indices(std::size_t n, std::size_t k);
  /// `sample(values, k)`. Throws kUsage when there are fewer than k.
  template <class T>
  std::vector<T> sample(const std::vector<T>& values, std::size_t k) {
    std::vector<T> result;
    for (const std::size_t i : sample_indices(values.size(), k)) result.push_back(values[i]);
    return result;
  }
  /// `shuffle(values)`.
  template <class T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i-- > 1;) std::swap(values[i], values[randbelow(i + 1)]);
  }

 private:
  static constexpr std::size_t kStateSize = 624;

  void init_by_array(std::span<const std::uint32_t> key);
  void refill();
  std::uint32_t next_word();

  std::array<std::uint32_t, kStateSize> state_{};
  std::size_t next_ = kStateSize;
};

}  // namespace patchbay
