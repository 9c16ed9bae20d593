// Text to tokens and back: byte-level byte-pair encoding, as in GPT-2.
#pragma once

#include <concepts>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "patchbay/base/error.h"
#include "patchbay/text/added_tokens.h"
#include "patchbay/text/byte_pair_encoding.h"
#include "patchbay/text/pre_tokenizer.h"

namespace patchbay {

class GgufFile;

/// A bool that has no default: whoever makes the options has to say it.
class ExplicitBool {
 public:
  template <std::same_as<bool> Bool>
  ExplicitBool(Bool value) : value_(value) {}  // NOLINT: meant to be implicit
  operator bool() const { return value_; }     // NOLINT: meant to be implicit

 private:
  bool value_;
};

/// How a text becomes tokens.
struct ToTokensOptions {
  ExplicitBool prepend_bos;    ///< begin with the token of the beginning; studies differ, so say it
  bool parse_special = false;  ///< "<|endoftext|>" and its like in the text are one token, not text
};

/// Two tokens, in the byte alphabet, that are joined.
struct MergeRule {
  std::string left;
  std::string right;
};

/// What a Tokenizer is made of, whichever file it was in.
struct TokenizerParts {
  std::string source;               ///< the file, for messages
  std::vector<std::string> tokens;  ///< by id, in GPT-2's byte alphabet; "" where an id is unused
  std::vector<MergeRule> merges;    ///< by rank
  std::vector<AddedToken> added;    ///< their ids may be among the tokens or beyond
  PreTokenizer pre_tokenizer = PreTokenizer::kGpt2;
  std::optional<TokenId> bos;        ///< the token of the beginning, if the model has one
  std::string merges_source;         ///< the file of the merges, if it is another one
  std::size_t first_merge_line = 0;  ///< its line of the first merge; 0 if merges are not lines
};

/// A tokenizer of a kind that patchbay does not know: its files may be whole, and the model can be
/// given token ids.
class UnsupportedTokenizer : public Error {
 public:
  explicit UnsupportedTokenizer(std::string_view what)
      : Error(ErrorKind::kBadData, "tokenizer", what) {}
};

/// A byte-level BPE tokenizer. Immutable and cheap to copy; safe to use from several threads.
///
/// Every text that is UTF-8 has tokens, and joining their bytes gives the text back. Nothing is
/// added silently: no beginning, no end, no space. Names are TransformerLens's. A tokenizer that
/// was moved from refuses every call: kUsage.
class Tokenizer {
 public:
  /// From tokenizer.json if the folder has one, else from vocab.json and merges.txt. Throws
  /// kNoInput when there are neither.
  static Tokenizer from_folder(const std::filesystem::path& folder);
  /// From GPT-2's two files; they cut text by GPT-2's pattern. "<|endoftext|>" is a special token
  /// and the beginning, if the vocabulary has it. Throws kNoInput, kBadData naming file and line.
  static Tokenizer from_files(const std::filesystem::path& vocab_json,
                              const std::filesystem::path& merges_txt);
  /// From Hugging Face's single file. The beginning is the "bos_token" of the tokenizer_config.json
  /// beside it (null: none); where nothing is said, "<|endoftext|>" if that is an added token, else
  /// none. Ignored because patchbay never does it unasked: post_processor, truncation, padding.
  /// Throws kBadData for what would give other tokens and is not supported: normalizers, other
  /// pre-tokenizers, models other than BPE, dropout, byte fallback, unknown tokens, prefixes and
  /// suffixes, added tokens that swallow spaces or want whole words.
  static Tokenizer from_tokenizer_json(const std::filesystem::path& tokenizer_json);
  /// From the metadata of a GGUF file: "tokenizer.ggml.model" has to be "gpt2",
  /// "tokenizer.ggml.pre" "gpt-2" or "smollm". Control tokens (and llama.cpp's unknown ones) are
  /// special, user-defined ones are added and always found, unused ones leave their id without a
  /// token. The beginning is "tokenizer.ggml.bos_token_id", if it is there; add_bos_token is
  /// ignored. Throws kBadData, naming file and key, for other tokenizers, for the pre-tokenizer
  /// "default" or a missing one (llama.cpp then cuts by a pattern of its own), and for values that
  /// contradict each other.
  static Tokenizer from_gguf(const GgufFile& file);
  /// From parts, for formats that carry them. A vocabulary may lack single bytes: a text that needs
  /// one is then refused by to_tokens. Throws kBadData when a token appears twice or is not written
  /// in the byte alphabet, or a merge joins or makes something that is not in the vocabulary.
  static Tokenizer from_parts(const TokenizerParts& parts);

  /// The tokens of a text. Throws kBadData with the byte offset when the text is not UTF-8, and
  /// kUsage when prepend_bos is asked of a vocabulary without a beginning.
  [[nodiscard]] std::vector<TokenId> to_tokens(std::string_view text,
                                               ToTokensOptions options) const;
  /// The bytes of the tokens, one after the other. They are UTF-8 if the tokens came from a text;
  /// a part of a tokenized text may begin or end within a character. Throws kUsage for an id that
  /// is not in the vocabulary.
  [[nodiscard]] std::string to_string(std::span<const TokenId> tokens) const;
  /// One string for each token: its bytes, as in to_string.
  [[nodiscard]] std::vector<std::string> to_str_tokens(std::span<const TokenId> tokens) const;
  [[nodiscard]] std::vector<std::string> to_str_tokens(std::string_view text,
                                                       ToTokensOptions options) const;
  /// The one token that a text is, read without a beginning and without special tokens. Throws
  /// kBadData, listing the tokens, when it is none or several.
  [[nodiscard]] TokenId to_single_token(std::string_view text) const;

  /// One more than the highest id.
  [[nodiscard]] std::size_t d_vocab() const;
  /// The bytes of a token. Throws kUsage for an id that is not in the vocabulary.
  [[nodiscard]] const std::string& token_bytes(TokenId id) const;
  /// Whether an id is in the vocabulary; ids below d_vocab() may be unused.
  [[nodiscard]] bool has_token(TokenId id) const;
  /// The token with exactly these bytes, added tokens last; it need not be what to_tokens gives.
  [[nodiscard]] std::optional<TokenId> find_token(std::string_view bytes) const;
  [[nodiscard]] std::optional<TokenId> bos_token_id() const;
  /// The added tokens that are only found when asked for, by increasing id.
  [[nodiscard]] std::span<const AddedToken> special_tokens() const;
  [[nodiscard]] PreTokenizer pre_tokenizer() const;

 private:
  struct Data;
  explicit Tokenizer(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
  [[nodiscard]] const Data& data() const;

  std::shared_ptr<const Data> data_;
};

}  // namespace patchbay
