// Builds a vocabulary and refuses one that contradicts itself.
#include "patchbay/text/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <unordered_set>

#include "patchbay/base/check.h"
#include "patchbay/base/error.h"
#include "patchbay/base/utf8.h"
#include "patchbay/text/byte_alphabet.h"

namespace patchbay {
namespace {

Error bad_vocabulary(std::string_view source, std::string_view what) {
  return {ErrorKind::kBadData, "tokenizer", fmt::format("{}: {}", source, what)};
}

Error bad_added_token(std::string_view source, const AddedToken& token, std::string_view what) {
  return bad_vocabulary(source, fmt::format("the added token {} (id {}) {}",
                                            in_quotes(token.content), token.id, what));
}

std::size_t index(TokenId id) { return static_cast<std::size_t>(id); }

std::unordered_map<TokenId, const AddedToken*> index_by_id(std::string_view source,
                                                           std::span<const AddedToken> added) {
  std::unordered_map<TokenId, const AddedToken*> by_id;
  std::unordered_set<std::string_view> contents;
  for (const AddedToken& token : added) {
    if (token.id < 0 || token.id >= kMaxVocabulary) {
      throw bad_added_token(
          source, token, fmt::format("is out of range; ids go from 0 to {}", kMaxVocabulary - 1));
    }
    if (token.content.empty()) throw bad_added_token(source, token, "is empty; remove it");
    if (const auto offset = find_invalid_utf8(token.content)) {
      throw bad_added_token(source, token,
                            fmt::format("is not UTF-8 at byte {}; correct it", *offset));
    }
    if (!by_id.emplace(token.id, &token).second || !contents.insert(token.content).second) {
      throw bad_added_token(source, token, "appears twice, by its id or its text; keep one");
    }
  }
  return by_id;
}

}  // namespace

Vocabulary::Vocabulary(std::string_view source, std::span<const std::string> tokens,
                       std::span<const AddedToken> added) {
  const auto added_by_id = index_by_id(source, added);
  std::size_t size = tokens.size();
  for (const AddedToken& token : added) size = std::max(size, index(token.id) + 1);
  if (size > index(kMaxVocabulary)) {
    throw bad_vocabulary(source,
                         fmt::format("{} tokens; at most {} are supported", size, kMaxVocabulary));
  }
  bytes_.resize(size);
  ids_.reserve(size);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    // Converters list added tokens among the others as they stand, not in the byte alphabet.
    const auto entry = added_by_id.find(id);
    const bool plain =
        entry == added_by_id.end() || from_byte_alphabet(tokens[i]) == entry->second->content;
    if (!tokens[i].empty() && plain) add_model_token(source, tokens[i], id);
  }
  for (const AddedToken& token : added) {
    const bool listed = index(token.id) < tokens.size();
    add_added_token(source, token, listed ? tokens[index(token.id)] : "");
  }
}

void Vocabulary::add_model_token(std::string_view source, const std::string& token, TokenId id) {
  auto bytes = from_byte_alphabet(token);
  if (!bytes) {
    throw bad_vocabulary(
        source, fmt::format("the token {} (id {}) is not written in GPT-2's byte alphabet; "
                            "only byte-level vocabularies are supported",
                            in_quotes(token), id));
  }
  bytes_[index(id)] = *std::move(bytes);
  const auto [entry, is_new] = ids_.emplace(bytes_[index(id)], id);
  if (!is_new) {
    throw bad_vocabulary(source, fmt::format("the token {} has two ids, {} and {}; keep one",
                                             in_quotes(token), entry->second, id));
  }
}

void Vocabulary::add_added_token(std::string_view source, const AddedToken& token,
                                 std::string_view listed_as) {
  if (!listed_as.empty() && listed_as != token.content) {
    throw bad_added_token(
        source, token,
        fmt::format("has the id of the token {}; give it one of its own", in_quotes(listed_as)));
  }
  if (const auto other = find_in_alphabet(token.content); other && *other != token.id) {
    throw bad_added_token(
        source, token, fmt::format("is also the token {} of the vocabulary; use one id", *other));
  }
  // Not when it is there already: a key of ids_ points at it.
  if (bytes_[index(token.id)].empty()) bytes_[index(token.id)] = token.content;
}

bool Vocabulary::has(TokenId id) const {
  return id >= 0 && index(id) < bytes_.size() && !bytes_[index(id)].empty();
}

const std::string& Vocabulary::bytes(TokenId id) const {
  check_index("tokenizer", "token", id, std::ssize(bytes_));
  return bytes_[index(id)];
}

std::optional<TokenId> Vocabulary::find(std::string_view bytes) const {
  const auto entry = ids_.find(bytes);
  return entry == ids_.end() ? std::nullopt : std::optional(entry->second);
}

std::optional<TokenId> Vocabulary::find_in_alphabet(std::string_view text) const {
  const auto bytes = from_byte_alphabet(text);
  return bytes ? find(*bytes) : std::nullopt;
}

std::array<TokenId, 256> Vocabulary::byte_tokens() const {
  std::array<TokenId, 256> result{};
  for (std::size_t byte = 0; byte < result.size(); ++byte) {
    const char character = static_cast<char>(byte);
    result[byte] = find(std::string_view(&character, 1)).value_or(kNoToken);
  }
  return result;
}

}  // namespace patchbay
