// Byte-pair encoding with a linked list of symbols and a heap of the pairs that could be joined.
#include "patchbay/text/byte_pair_encoding.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "patchbay/base/error.h"

namespace patchbay {
namespace {

constexpr std::int32_t kNone = -1;

std::uint64_t pair_key(TokenId left, TokenId right) {
  return (std::uint64_t{static_cast<std::uint32_t>(left)} << 32) |
         static_cast<std::uint32_t>(right);
}

// The order of a heap whose front is the lowest rank, and among equal ranks the leftmost.
bool comes_later(const BpeWorkspace::Candidate& a, const BpeWorkspace::Candidate& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
}

std::size_t index(std::int32_t position) { return static_cast<std::size_t>(position); }

}  // namespace

bool BytePairEncoding::add(const Merge& merge) {
  if (merge.left < 0 || merge.right < 0 || merge.result < 0) {
    throw Error(ErrorKind::kUsage, "tokenizer",
                fmt::format("{} and {} cannot be joined into {}; give tokens of the vocabulary",
                            merge.left, merge.right, merge.result));
  }
  const auto rank = static_cast<std::int32_t>(merges_.size());
  if (!ranks_.emplace(pair_key(merge.left, merge.right), rank).second) return false;
  merges_.push_back(merge);
  return true;
}

std::int32_t BytePairEncoding::rank_of(TokenId left, TokenId right) const {
  const auto rank = ranks_.find(pair_key(left, right));
  return rank == ranks_.end() ? kNone : rank->second;
}

void BytePairEncoding::fill(std::string_view piece, BpeWorkspace& workspace) const {
  if (piece.size() > std::size_t{std::numeric_limits<std::int32_t>::max()}) {
    throw Error(ErrorKind::kBadData, "tokenizer",
                "a word of more than 2^31 - 1 bytes; cut the text into parts");
  }
  workspace.symbols.clear();
  workspace.queue.clear();
  for (const char character : piece) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte_tokens_[byte] == kNoToken) {
      throw Error(ErrorKind::kBadData, "tokenizer",
                  fmt::format("the text has the byte 0x{:02X}, for which this vocabulary has no "
                              "token; leave the character out or use another model",
                              byte));
    }
    const auto position = static_cast<std::int32_t>(workspace.symbols.size());
    workspace.symbols.push_back({byte_tokens_[byte], position - 1, position + 1});
  }
  workspace.symbols.back().next = kNone;
  for (std::int32_t left = 0; index(left) + 1 < workspace.symbols.size(); ++left) {
    const std::int32_t rank =
        rank_of(workspace.symbols[index(left)].token, workspace.symbols[index(left) + 1].token);
    if (rank != kNone) workspace.queue.push_back({rank, left});
  }
  std::ranges::make_heap(workspace.queue, comes_later);
}

void BytePairEncoding::push_candidate(BpeWorkspace& workspace, std::int32_t left) const {
  if (left == kNone) return;
  const auto& symbol = workspace.symbols[index(left)];
  if (symbol.next == kNone) return;
  const std::int32_t rank = rank_of(symbol.token, workspace.symbols[index(symbol.next)].token);
  if (rank == kNone) return;
  workspace.queue.push_back({rank, left});
  std::ranges::push_heap(workspace.queue, comes_later);
}

void BytePairEncoding::encode(std::string_view piece, BpeWorkspace& workspace,
                              std::vector<TokenId>& out) const {
  if (piece.empty()) return;
  if (piece.empty()) return;
  fill(piece, workspace);
  auto& symbols = workspace.symbols;
  while (!workspace.queue.empty()) {
    std::ranges::pop_heap(workspace.queue, comes_later);
    const BpeWorkspace::Candidate candidate = workspace.queue.back();
    workspace.queue.pop_back();
    ++workspace.steps;
    const Merge& merge = merges_[index(candidate.rank)];
    auto& left = symbols[index(candidate.left)];
    // An earlier merge may have taken one of the two; a consumed symbol's token is kNoToken.
    if (left.token != merge.left || left.next == kNone) continue;
    auto& right = symbols[index(left.next)];
    if (right.token != merge.right) continue;
    left.token = merge.result;
    left.next = right.next;
    right.token = kNoToken;
    if (left.next != kNone) symbols[index(left.next)].previous = candidate.left;
    push_candidate(workspace, left.previous);
    push_candidate(workspace, candidate.left);
  }
  for (std::int32_t i = 0; i != kNone; i = symbols[index(i)].next) {
    out.push_back(symbols[index(i)].token);
  }
}

}  // namespace patchbay
