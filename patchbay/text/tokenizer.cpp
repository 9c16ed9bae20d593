// The tokenizer's methods, and how it is put together from parts.
#include "patchbay/text/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "patchbay/base/error.h"
#include "patchbay/base/utf8.h"
#include "patchbay/text/vocabulary.h"

namespace patchbay {
namespace {

Error bad_merge(const TokenizerParts& parts, std::size_t rank, std::string_view what) {
  const std::string& file = parts.merges_source.empty() ? parts.source : parts.merges_source;
  const std::string place = parts.first_merge_line > 0
                                ? fmt::format("line {}", parts.first_merge_line + rank)
                                : fmt::format("merges[{}]", rank);
  return {ErrorKind::kBadData, "tokenizer", fmt::format("{}: {}: {}", file, place, what)};
}

// The ids of a rule's two tokens and of their join.
Merge resolve(const MergeRule& rule, const Vocabulary& vocabulary, const TokenizerParts& parts,
              std::size_t rank) {
  const auto id_of = [&](const std::string& token) {
    const auto id = vocabulary.find_in_alphabet(token);
    if (!id) {
      throw bad_merge(parts, rank,
                      fmt::format("the token {} is not in the vocabulary; do vocabulary and merges "
                                  "belong together?",
                                  in_quotes(token)));
    }
    return *id;
  };
  return {id_of(rule.left), id_of(rule.right), id_of(rule.left + rule.right)};
}

BytePairEncoding make_encoding(const Vocabulary& vocabulary, const TokenizerParts& parts) {
  BytePairEncoding encoding(vocabulary.byte_tokens());
  for (std::size_t rank = 0; rank < parts.merges.size(); ++rank) {
    const MergeRule& rule = parts.merges[rank];
    if (!encoding.add(resolve(rule, vocabulary, parts, rank))) {
      throw bad_merge(parts, rank,
                      fmt::format("{} and {} have a merge already; keep one", in_quotes(rule.left),
                                  in_quotes(rule.right)));
    }
  }
  return encoding;
}

std::vector<AddedToken> special_by_id(std::span<const AddedToken> added) {
  std::vector<AddedToken> result;
  std::ranges::copy_if(added, std::back_inserter(result), &AddedToken::special);
  std::ranges::sort(result, {}, &AddedToken::id);
  return result;
}

}  // namespace

struct Tokenizer::Data {
  explicit Data(const TokenizerParts& parts)
      : vocabulary(parts.source, parts.tokens, parts.added),
        encoding(make_encoding(vocabulary, parts)),
        added(parts.added),
        finder(parts.added),
        special(special_by_id(parts.added)),
        pre_tokenizer(parts.pre_tokenizer),
        bos(parts.bos) {
    if (bos && !vocabulary.has(*bos)) {
      throw Error(ErrorKind::kBadData, "tokenizer",
                  fmt::format("{}: the beginning, id {}, is not in the vocabulary; name another",
                              parts.source, *bos));
    }
  }

  const std::string& bytes(TokenId id) const {
    if (!vocabulary.has(id)) {
      throw Error(ErrorKind::kUsage, "tokenizer",
                  fmt::format("no token has the id {}; ids of this vocabulary go from 0 to {}", id,
                              static_cast<std::int64_t>(vocabulary.size()) - 1));
    }
    return vocabulary.bytes(id);
  }

  // Appends the tokens of a stretch of text without added tokens.
  void encode_plain(std::string_view text, BpeWorkspace& workspace,
                    std::vector<TokenId>& tokens) const {
    PieceScanner scanner(text, pre_tokenizer);
    for (auto piece = scanner.next(); !piece.empty(); piece = scanner.next()) {
      encoding.encode(piece, workspace, tokens);
    }
  }

  Vocabulary vocabulary;
  BytePairEncoding encoding;
  std::vector<AddedToken> added;
  AddedTokenFinder finder;
  std::vector<AddedToken> special;
  PreTokenizer pre_tokenizer;
  std::optional<TokenId> bos;
};

const Tokenizer::Data& Tokenizer::data() const {
  if (data_) return *data_;
  throw Error(ErrorKind::kUsage, "tokenizer", "this tokenizer was moved from; use where it went");
}

Tokenizer Tokenizer::from_parts(const TokenizerParts& parts) {
  return Tokenizer(std::make_shared<const Data>(parts));
}

std::vector<TokenId> Tokenizer::to_tokens(std::string_view text, ToTokensOptions options) const {
  if (const auto offset = find_invalid_utf8(text)) {
    throw Error(ErrorKind::kBadData, "tokenizer",
                fmt::format("the text is not UTF-8 at byte {}; convert it to UTF-8", *offset));
  }
  std::vector<TokenId> tokens;
  if (options.prepend_bos) {
    if (!data().bos) {
      throw Error(ErrorKind::kUsage, "tokenizer",
                  "this vocabulary has no token of the beginning; leave BOS out");
    }
    tokens.push_back(*data().bos);
  }
  BpeWorkspace workspace;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const auto match = data().finder.find(text, begin, options.parse_special);
    data().encode_plain(text.substr(begin, match.begin - begin), workspace, tokens);
    if (match.length > 0) tokens.push_back(match.id);
    begin = match.begin + match.length;
  }
  return tokens;
}

std::string Tokenizer::to_string(std::span<const TokenId> tokens) const {
  std::string result;
  for (const TokenId id : tokens) result += data().bytes(id);
  return result;
}

std::vector<std::string> Tokenizer::to_str_tokens(std::span<const TokenId> tokens) const {
  std::vector<std::string> result;
  result.reserve(tokens.size());
  for (const TokenId id : tokens) result.push_back(data().bytes(id));
  return result;
}

std::vector<std::string> Tokenizer::to_str_tokens(std::string_view text,
                                                  ToTokensOptions options) const {
  return to_str_tokens(to_tokens(text, options));
}

TokenId Tokenizer::to_single_token(std::string_view text) const {
  const auto tokens = to_tokens(text, {.prepend_bos = false});
  if (tokens.size() == 1) return tokens.front();
  constexpr std::size_t kListed = 8;
  std::string what = fmt::format("{} is {} tokens, not one", in_quotes(text), tokens.size());
  for (std::size_t i = 0; i < std::min(tokens.size(), kListed); ++i) {
    what += fmt::format("{}{} ({})", i == 0 ? ": " : ", ", in_quotes(data().bytes(tokens[i])),
                        tokens[i]);
  }
  if (tokens.size() > kListed) what += ", …";
  const auto special = std::ranges::find(data().special, text, &AddedToken::content);
  what += special == data().special.end()
              ? "; choose a text that is one token (a leading space often makes the difference)"
              : fmt::format("; as a special token it has the id {}", special->id);
  throw Error(ErrorKind::kBadData, "tokenizer", what);
}

std::size_t Tokenizer::d_vocab() const { return data().vocabulary.size(); }

const std::string& Tokenizer::token_bytes(TokenId id) const { return data().bytes(id); }

bool Tokenizer::has_token(TokenId id) const { return data().vocabulary.has(id); }

std::optional<TokenId> Tokenizer::find_token(std::string_view bytes) const {
  if (const auto id = data().vocabulary.find(bytes)) return id;
  const auto token = std::ranges::find(data().added, bytes, &AddedToken::content);
  return token == data().added.end() ? std::nullopt : std::optional(token->id);
}

std::optional<TokenId> Tokenizer::bos_token_id() const { return data().bos; }

std::span<const AddedToken> Tokenizer::special_tokens() const { return data().special; }

PreTokenizer Tokenizer::pre_tokenizer() const { return data().pre_tokenizer; }

}  // namespace patchbay
