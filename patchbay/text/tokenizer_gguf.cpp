// Loads the tokenizer that a GGUF file carries in its metadata, if it is byte-level BPE.
#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "patchbay/base/error.h"
#include "patchbay/base/utf8.h"
#include "patchbay/io/gguf.h"
#include "patchbay/text/tokenizer.h"
#include "patchbay/text/tokenizer_file_parts.h"
#include "patchbay/text/vocabulary.h"

namespace patchbay {
namespace {

// llama.cpp's numbers for what a token is.
enum class TokenType : std::uint8_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

UnsupportedTokenizer not_supported(const GgufValue& value, std::string_view why) {
  const Error error = value.error(
      fmt::format("is {}, which is not supported: {}", in_quotes(value.as_string()), why));
  return UnsupportedTokenizer(error.reason());
}

void check_model(const GgufMetadata& metadata) {
  const GgufValue& model = metadata.at("tokenizer.ggml.model");
  if (model.as_string() != "gpt2") {
    throw not_supported(model, "only \"gpt2\", a byte-level BPE tokenizer, is known");
  }
}

// llama.cpp has one name for each model whose cutting it knows; files of before have none, or
// "default", and are cut by a pattern of llama.cpp's own, at punctuation and digits.
PreTokenizer read_pre_tokenizer(const GgufMetadata& metadata) {
  const GgufValue& name = metadata.at("tokenizer.ggml.pre");
  if (name.as_string() == "gpt-2") return PreTokenizer::kGpt2;
  if (name.as_string() == "smollm") return PreTokenizer::kSmollm;
  if (name.as_string() == "default") {
    throw not_supported(name,
                        "it is llama.cpp's own way to cut texts, and not the one that a model was "
                        "trained with");
  }
  throw not_supported(name, "known are \"gpt-2\" and \"smollm\"");
}

TokenType read_type(const GgufValue& types, std::size_t id, std::int64_t number) {
  if (number < static_cast<int>(TokenType::kNormal) ||
      number > static_cast<int>(TokenType::kUnused)) {
    throw types.error(
        fmt::format("has the type {} for the token {}, but byte-level BPE has the "
                    "types 1 to 5",
                    number, id));
  }
  return static_cast<TokenType>(number);
}

void read_tokens(const GgufMetadata& metadata, TokenizerParts& parts) {
  const GgufValue& tokens = metadata.at("tokenizer.ggml.tokens");
  const GgufValue& types = metadata.at("tokenizer.ggml.token_type");
  const auto texts = tokens.as_strings();
  const auto numbers = types.as_ints();
  if (texts.empty() || texts.size() > static_cast<std::size_t>(kMaxVocabulary)) {
    throw tokens.error(
        fmt::format("has {} tokens, but must have 1 to {}", texts.size(), kMaxVocabulary));
  }
  if (numbers.size() != texts.size()) {
    throw types.error(
        fmt::format("has {} types, but there are {} tokens", numbers.size(), texts.size()));
  }
  parts.tokens.assign(texts.begin(), texts.end());
  for (std::size_t id = 0; id < texts.size(); ++id) {
    if (texts[id].empty()) throw tokens.error(fmt::format("has the empty token {}", id));
    const TokenType type = read_type(types, id, numbers[id]);
    if (type == TokenType::kUnused) {
      parts.tokens[id].clear();
    } else if (type != TokenType::kNormal) {
      parts.added.push_back({.id = static_cast<TokenId>(id),
                             .content = texts[id],
                             .special = type != TokenType::kUserDefined});
    }
  }
}

std::vector<MergeRule> read_merges(const GgufMetadata& metadata) {
  const GgufValue& value = metadata.at("tokenizer.ggml.merges");
  std::vector<MergeRule> merges;
  for (const std::string& text : value.as_strings()) {
    auto rule = split_merge(text);
    if (!rule) {
      throw value.error(
          fmt::format("has the element {}, {}, which is not two tokens with one "
                      "space between them",
                      merges.size(), in_quotes(text)));
    }
    merges.push_back(*std::move(rule));
  }
  return merges;
}

std::optional<TokenId> read_id(const GgufMetadata& metadata, std::string_view key,
                               const TokenizerParts& parts) {
  const GgufValue* value = metadata.find(key);
  if (value == nullptr) return std::nullopt;
  const std::uint64_t id = value->as_uint();
  if (id >= parts.tokens.size()) {
    throw value->error(fmt::format("is {}, but there are {} tokens", id, parts.tokens.size()));
  }
  return static_cast<TokenId>(id);
}

}  // namespace

Tokenizer Tokenizer::from_gguf(const GgufFile& file) {
  const GgufMetadata& metadata = file.metadata();
  check_model(metadata);
  TokenizerParts parts;
  parts.source = file.path();
  parts.pre_tokenizer = read_pre_tokenizer(metadata);
  read_tokens(metadata, parts);
  parts.merges = read_merges(metadata);
  parts.bos = read_id(metadata, "tokenizer.ggml.bos_token_id", parts);
  (void)read_id(metadata, "tokenizer.ggml.eos_token_id", parts);  // nothing needs it: only checked
  return from_parts(parts);
}

}  // namespace patchbay
