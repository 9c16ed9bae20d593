// The tokens of a vocabulary: their bytes by id, and ids by their bytes.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "patchbay/text/added_tokens.h"
#include "patchbay/text/byte_pair_encoding.h"

namespace patchbay {

/// Ids are below this number: a file cannot make us reserve memory for ids that nobody uses.
inline constexpr TokenId kMaxVocabulary = 1 << 20;

/// The checked tokens of a model, and those that were added to them.
class Vocabulary {
 public:
  /// `tokens` are in the byte alphabet, by id, "" where an id is unused; the ids of `added` may be
  /// among them or beyond. Throws kBadData, naming `source`, when a token is not in the byte
  /// alphabet or appears twice, or an added token contradicts the others.
  Vocabulary(std::string_view source, std::span<const std::string> tokens,
             std::span<const AddedToken> added);
  // The keys of ids_ point into bytes_.
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;

  /// One more than the highest id.
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] bool has(TokenId id) const;
  /// The bytes of a token, "" for an id that is unused. Throws kUsage for an id that is not below
  /// size().
  [[nodiscard]] const std::string& bytes(TokenId id) const;
  /// The token of the model with these bytes; not an added token that the model does not list.
  [[nodiscard]] std::optional<TokenId> find(std::string_view bytes) const;
  /// The token of the model whose bytes a text in the byte alphabet stands for.
  [[nodiscard]] std::optional<TokenId> find_in_alphabet(std::string_view text) const;
  /// The tokens of the 256 bytes, kNoToken where there is none.
  [[nodiscard]] std::array<TokenId, 256> byte_tokens() const;

 private:
  void add_model_token(std::string_view source, const std::string& token, TokenId id);
  void add_added_token(std::string_view source, const AddedToken& token,
                       std::string_view listed_as);

  std::vector<std::string> bytes_;
  std::unordered_map<std::string_view, TokenId> ids_;
};

}  // namespace patchbay
