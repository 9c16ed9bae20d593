// Tokens such as "<|endoftext|>" that are found in a text as they stand, before it is cut.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/text/byte_pair_encoding.h"

namespace patchbay {

/// A token that no merge makes.
struct AddedToken {
  TokenId id = kNoToken;
  std::string content;   ///< the characters themselves, not in the byte alphabet
  bool special = false;  ///< found only when that is asked for; otherwise found always
};

/// Finds added tokens in a text: the leftmost, and of several at one place the longest.
class AddedTokenFinder {
 public:
  /// A token found, or at the end of the text none.
  struct Match {
    std::size_t begin = 0;
    std::size_t length = 0;
    TokenId id = kNoToken;
  };

  AddedTokenFinder() = default;
  /// Throws kUsage for a token without content, and for a content given twice.
  explicit AddedTokenFinder(std::span<const AddedToken> tokens);

  /// The first added token from the byte `offset` on, special ones only if `parse_special`.
  [[nodiscard]] Match find(std::string_view text, std::size_t offset, bool parse_special) const;

 private:
  std::array<std::vector<AddedToken>, 256> by_first_byte_;  // the longest first
  bool only_special_ = true;
};

}  // namespace patchbay
