// Byte-pair encoding against an obvious twin that looks for the best pair again and again.
#include "patchbay/text/byte_pair_encoding.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "patchbay/base/error.h"

namespace patchbay {
namespace {

// Bytes are the tokens 0 … 255, merges make the tokens from 256 on.
std::array<TokenId, 256> all_bytes() {
  std::array<TokenId, 256> tokens{};
  for (std::size_t byte = 0; byte < tokens.size(); ++byte) {
    tokens[byte] = static_cast<TokenId>(byte);
  }
  return tokens;
}

BytePairEncoding make_encoding(const std::vector<Merge>& merges) {
  BytePairEncoding encoding(all_bytes());
  for (const Merge& merge : merges) EXPECT_TRUE(encoding.add(merge));
  return encoding;
}

std::vector<TokenId> encode(const BytePairEncoding& encoding, std::string_view piece) {
  BpeWorkspace workspace;
  std::vector<TokenId> tokens;
  encoding.encode(piece, workspace, tokens);
  return tokens;
}

// Joins the leftmost pair of the lowest rank until no pair has a rule.
std::vector<TokenId> naive_encode(const std::vector<Merge>& merges, std::string_view piece) {
  std::vector<TokenId> tokens;
  for (const char c : piece) tokens.push_back(static_cast<unsigned char>(c));
  while (true) {
    std::size_t best_rank = merges.size();
    std::size_t best_place = 0;
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      for (std::size_t rank = 0; rank < best_rank; ++rank) {
        if (merges[rank].left == tokens[i] && merges[rank].right == tokens[i + 1]) {
          best_rank = rank;
          best_place = i;
        }
      }
    }
    if (best_rank == merges.size()) return tokens;
    tokens[best_place] = merges[best_rank].result;
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(best_place) + 1);
  }
}

// Rules over the letters a … d in an order that no training would give: a rule may come before the
// rules that make its parts, and one token may be made in several ways.
std::vector<Merge> random_merges(std::mt19937& random, int count) {
  std::vector<std::string> words = {"a", "b", "c", "d"};
  std::map<std::string, TokenId> ids;
  for (const auto& word : words) ids[word] = static_cast<unsigned char>(word[0]);
  std::set<std::pair<TokenId, TokenId>> pairs;
  std::vector<Merge> merges;
  for (int i = 0; i < count; ++i) {
    const std::string left = words[random() % words.size()];
    const std::string right = words[random() % words.size()];
    if (left.size() + right.size() > 12 || !pairs.emplace(ids[left], ids[right]).second) continue;
    const auto next = static_cast<TokenId>(256 + ids.size());
    const auto [entry, is_new] = ids.emplace(left + right, next);
    if (is_new) words.push_back(left + right);
    merges.push_back({ids[left], ids[right], entry->second});
  }
  for (std::size_t i = merges.size(); i > 1; --i) std::swap(merges[i - 1], merges[random() % i]);
  return merges;
}

TEST(BytePairEncoding, EqualsTheNaiveTwinOnRandomRulesAndStrings) {
  std::mt19937 random(1);
  std::size_t joined = 0;
  for (int trial = 0; trial < 400; ++trial) {
    const auto merges = random_merges(random, 30);
    const auto encoding = make_encoding(merges);
    for (int i = 0; i < 20; ++i) {
      std::string piece(random() % 40, 'a');
      for (char& c : piece) c = static_cast<char>('a' + random() % 4);
      const auto tokens = encode(encoding, piece);
      ASSERT_EQ(tokens, naive_encode(merges, piece)) << piece;
      joined += piece.size() - tokens.size();
    }
  }
  EXPECT_GT(joined, 10000u);
}

TEST(BytePairEncoding, LowestRankComesFirstAndThenTheLeftmost) {
  const auto encoding = make_encoding({{'b', 'c', 256}, {'a', 'b', 257}, {'a', 'a', 258}});
  EXPECT_EQ(encode(encoding, "abc"), (std::vector<TokenId>{'a', 256}));
  EXPECT_EQ(encode(encoding, "abab"), (std::vector<TokenId>{257, 257}));
  EXPECT_EQ(encode(encoding, "aaa"), (std::vector<TokenId>{258, 'a'}));
  EXPECT_EQ(encode(encoding, ""), std::vector<TokenId>{});
}

TEST(BytePairEncoding, APairHasOneRule) {
  BytePairEncoding encoding(all_bytes());
  EXPECT_TRUE(encoding.add({'a', 'b', 256}));
  EXPECT_FALSE(encoding.add({'a', 'b', 257}));
  EXPECT_EQ(encode(encoding, "ab"), std::vector<TokenId>{256});
}

TEST(BytePairEncoding, StepsGrowNoFasterThanTheText) {
  // aa, aaaa, aaaaaaaa, …: every level of joins touches all that is left of the text.
  std::vector<Merge> merges = {{'a', 'a', 256}};
  for (TokenId id = 256; id < 266; ++id) merges.push_back({id, id, id + 1});
  const auto encoding = make_encoding(merges);
  for (const std::size_t length : {100'000u, 1'000'000u}) {
    BpeWorkspace workspace;
    std::vector<TokenId> tokens;
    encoding.encode(std::string(length, 'a'), workspace, tokens);
    EXPECT_EQ(tokens.front(), 266);
    EXPECT_GE(workspace.steps, static_cast<std::int64_t>(length) - 1);
    EXPECT_LE(workspace.steps, static_cast<std::int64_t>(3 * length));
  }
}

TEST(BytePairEncoding, AByteWithoutATokenIsAnError) {
  auto bytes = all_bytes();
  bytes[0xF5] = kNoToken;
  const BytePairEncoding encoding(bytes);
  EXPECT_EQ(encode(encoding, "ab"), (std::vector<TokenId>{'a', 'b'}));
  EXPECT_THROW(encode(encoding, "a\xF5"), Error);
}

}  // namespace
}  // namespace patchbay
