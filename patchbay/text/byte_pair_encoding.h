// Byte-pair encoding of one piece of text: single bytes, joined by the merge rules in rank order.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace patchbay {

/// The number of a token in the vocabulary.
using TokenId = std::int32_t;

/// "No such token".
inline constexpr TokenId kNoToken = -1;

/// Joins two neighbouring tokens into one. Its rank is its place in the list of merges.
struct Merge {
  TokenId left;
  TokenId right;
  TokenId result;
};

/// Buffers that one thread reuses from piece to piece.
struct BpeWorkspace {
  struct Symbol {
    TokenId token;
    std::int32_t previous;  // -1 at the beginning
    std::int32_t next;      // -1 at the end
  };
  struct Candidate {
    std::int32_t rank;
    std::int32_t left;  // index of the left symbol
  };
  std::vector<Symbol> symbols;
  std::vector<Candidate> queue;
  std::int64_t steps = 0;  ///< candidates taken from the queue, since the workspace was made
};

/// The merge rules. Encoding repeats: of all neighbouring pairs that have a rule, join the one with
/// the lowest rank, and among equal ranks the leftmost (Sennrich et al. 2016, "Neural Machine
/// Translation of Rare Words with Subword Units", on bytes as in GPT-2).
class BytePairEncoding {
 public:
  /// `byte_tokens` are the tokens of the 256 bytes, kNoToken where the vocabulary has none.
  explicit BytePairEncoding(const std::array<TokenId, 256>& byte_tokens)
      : byte_tokens_(byte_tokens) {}

  /// Adds the rule of the next rank; false, without adding it, when its pair has a rule already.
  /// Throws kUsage for a negative token.
  bool add(const Merge& merge);

  /// Appends the tokens of `piece` to `out`, in O(n log n) for n bytes. Throws kBadData when the
  /// piece has a byte without a token, or more than 2^31 − 1 bytes.
  void encode(std::string_view piece, BpeWorkspace& workspace, std::vector<TokenId>& out) const;

 private:
  [[nodiscard]] std::int32_t rank_of(TokenId left, TokenId right) const;
  void fill(std::string_view piece, BpeWorkspace& workspace) const;
  void push_candidate(BpeWorkspace& workspace, std::int32_t left) const;

  std::array<TokenId, 256> byte_tokens_;
  std::vector<Merge> merges_;
  std::unordered_map<std::uint64_t, std::int32_t> ranks_;  // by pair
};

}  // namespace patchbay
