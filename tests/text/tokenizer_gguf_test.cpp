// The tokenizer in a GGUF file's metadata: the same tokens as from other files, and what is
// refused.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/io/gguf.h"
#include "patchbay/io/json.h"
#include "patchbay/text/tokenizer.h"
#include "tests/io/gguf_builder.h"
#include "tests/text/gpt2_files.h"

namespace patchbay {
namespace {

using testing::error_of;
using testing::gguf_array;
using testing::gguf_entry;
using testing::gguf_string;
using testing::gguf_strings;
using testing::gpt2;
using testing::kInt32;
using testing::kString;
using testing::kUint32;
using testing::TempFolder;
using testing::u32;
using Strings = std::vector<std::string>;
using Tokens = std::vector<TokenId>;

const ToTokensOptions kPlain{.prepend_bos = false};

std::string text_entry(std::string_view key, std::string_view text) {
  return gguf_entry(key, kString, gguf_string(text));
}

std::string types_entry(const std::vector<std::int32_t>& types) {
  std::string elements;
  for (const std::int32_t type : types) elements += testing::raw(type);
  return gguf_array("tokenizer.ggml.token_type", kInt32, types.size(), elements);
}

// A small tokenizer, of which tests replace parts.
struct Small {
  std::string model = text_entry("tokenizer.ggml.model", "gpt2");
  std::string pre = text_entry("tokenizer.ggml.pre", "smollm");
  std::string tokens = gguf_strings(
      "tokenizer.ggml.tokens", {"a", "b", "Ġ", "ab", "Ġab", "<|endoftext|>", "  ", "[PAD]", "1"});
  std::string types = types_entry({1, 1, 1, 1, 1, 3, 4, 5, 1});
  std::string merges = gguf_strings("tokenizer.ggml.merges", {"a b", "Ġ ab"});
  std::string bos = gguf_entry("tokenizer.ggml.bos_token_id", kUint32, u32(5));
  std::string eos = gguf_entry("tokenizer.ggml.eos_token_id", kUint32, u32(5));

  [[nodiscard]] Tokenizer load(const TempFolder& folder) const {
    testing::GgufBuilder builder;
    for (const std::string& entry : {model, pre, tokens, types, merges, bos, eos}) {
      if (!entry.empty()) builder.entries.push_back(entry);
    }
    folder.write("small.gguf", builder.bytes());
    return Tokenizer::from_gguf(GgufFile::open(folder.path() / "small.gguf"));
  }
  // The text of the error, which begins with the file's name.
  [[nodiscard]] std::string error() const {
    const TempFolder folder;
    return error_of([&] { (void)load(folder); });
  }
};

void expect_error(const Small& small, std::string_view part) {
  const std::string message = small.error();
  EXPECT_NE(message.find("small.gguf: "), std::string::npos) << message;
  EXPECT_NE(message.find(part), std::string::npos) << "no " << part << " in: " << message;
}

TEST(TokenizerGguf, GivesTheSameTokensAsGpt2sTwoFiles) {
  Strings tokens;
  for (TokenId id = 0; id < 50257; ++id) tokens.emplace_back();
  const JsonDocument vocabulary = read_json_file(testing::gpt2_folder() / "vocab.json");
  for (const JsonMember& member : vocabulary->members()) {
    tokens[static_cast<std::size_t>(member.value.as_int())] = member.key;
  }
  Strings merges;
  std::ifstream lines(testing::gpt2_folder() / "merges.txt");
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("#version")) merges.push_back(line);
  }
  std::vector<std::int32_t> types(tokens.size(), 1);
  types.back() = 3;
  const TempFolder folder;
  const Small whole{.pre = text_entry("tokenizer.ggml.pre", "gpt-2"),
                    .tokens = gguf_strings("tokenizer.ggml.tokens", tokens),
                    .types = types_entry(types),
                    .merges = gguf_strings("tokenizer.ggml.merges", merges),
                    .bos = gguf_entry("tokenizer.ggml.bos_token_id", kUint32, u32(50256))};
  const Tokenizer tokenizer = whole.load(folder);
  EXPECT_EQ(tokenizer.d_vocab(), 50257U);
  EXPECT_EQ(tokenizer.bos_token_id(), 50256);
  EXPECT_EQ(tokenizer.pre_tokenizer(), PreTokenizer::kGpt2);
  std::ifstream file(testing::gpt2_folder() / "strings.jsonl");
  for (std::string line; std::getline(file, line);) {
    const JsonDocument example = parse_json(line, "strings.jsonl");
    const std::string& text = example->at(0).as_string();
    ASSERT_EQ(tokenizer.to_tokens(text, kPlain), gpt2().to_tokens(text, kPlain)) << line;
  }
}

TEST(TokenizerGguf, TypesSayHowATokenIsFound) {
  const TempFolder folder;
  const Tokenizer tokenizer = Small{}.load(folder);
  EXPECT_EQ(tokenizer.pre_tokenizer(), PreTokenizer::kSmollm);
  EXPECT_EQ(tokenizer.d_vocab(), 9U);
  EXPECT_EQ(tokenizer.to_tokens("ab ab11", kPlain), (Tokens{3, 4, 8, 8}));
  EXPECT_EQ(tokenizer.to_tokens("a  b", kPlain), (Tokens{0, 6, 1}));  // user-defined: always
  ASSERT_EQ(tokenizer.special_tokens().size(), 1U);                   // control: when asked for
  EXPECT_EQ(tokenizer.special_tokens()[0].content, "<|endoftext|>");
  EXPECT_EQ(tokenizer.to_tokens("a<|endoftext|>", {.prepend_bos = true, .parse_special = true}),
            (Tokens{5, 0, 5}));
  EXPECT_FALSE(tokenizer.has_token(7));  // unused
  EXPECT_EQ(tokenizer.token_bytes(6), "  ");
}

TEST(TokenizerGguf, WithoutAnIdThereIsNoBeginning) {
  const TempFolder folder;
  EXPECT_EQ((Small{.bos = "", .eos = ""}.load(folder).bos_token_id()), std::nullopt);
}

TEST(TokenizerGguf, OtherTokenizersAreRefused) {
  expect_error({.model = text_entry("tokenizer.ggml.model", "llama")},
               "\"tokenizer.ggml.model\" is \"llama\", which is not supported: only \"gpt2\"");
  expect_error({.pre = text_entry("tokenizer.ggml.pre", "default")},
               "\"tokenizer.ggml.pre\" is \"default\", which is not supported: it is llama.cpp's "
               "own way to cut texts");
  for (const char* name : {"gpt2", "llama-bpe", "qwen2", ""}) {
    expect_error({.pre = text_entry("tokenizer.ggml.pre", name)},
                 "which is not supported: known are \"gpt-2\" and \"smollm\"");
  }
  expect_error({.pre = ""}, "the metadata \"tokenizer.ggml.pre\" is missing");
}

TEST(TokenizerGguf, MissingAndWrongValuesAreNamed) {
  expect_error({.model = ""}, "\"tokenizer.ggml.model\" is missing");
  expect_error({.tokens = ""}, "\"tokenizer.ggml.tokens\" is missing");
  expect_error({.types = ""}, "\"tokenizer.ggml.token_type\" is missing");
  expect_error({.merges = ""}, "\"tokenizer.ggml.merges\" is missing");
  expect_error({.model = gguf_entry("tokenizer.ggml.model", kUint32, u32(1))}, "must be a string");
  expect_error({.tokens = text_entry("tokenizer.ggml.tokens", "a")}, "must be an array of strings");
  expect_error({.types = gguf_strings("tokenizer.ggml.token_type", {"1"})},
               "must be an array of integers");
  expect_error({.bos = text_entry("tokenizer.ggml.bos_token_id", "5")}, "must be an integer");
}

TEST(TokenizerGguf, ContradictionsAreRefused) {
  expect_error({.tokens = gguf_strings("tokenizer.ggml.tokens", {})},
               "has 0 tokens, but must have 1 to 1048576");
  expect_error({.types = types_entry({1, 1})}, "has 2 types, but there are 9 tokens");
  for (const std::int32_t type : {0, 6, 7, -1}) {
    expect_error({.types = types_entry({1, type, 1, 1, 1, 3, 4, 5, 1})},
                 "has the type " + std::to_string(type) + " for the token 1, but byte-level BPE");
  }
  expect_error({.tokens = gguf_strings("tokenizer.ggml.tokens",
                                       {"a", "b", "", "ab", "Ġab", "<s>", "  ", "[PAD]", "1"})},
               "has the empty token 2");
  expect_error({.tokens = gguf_strings("tokenizer.ggml.tokens",
                                       {"a", "b", "Ġ", "ab", "a", "<s>", "  ", "[PAD]", "1"})},
               "the token \"a\" has two ids, 0 and 4");
  expect_error({.tokens = gguf_strings("tokenizer.ggml.tokens",
                                       {"a", "b", "Ġ", "ab", "a b", "<s>", "  ", "[PAD]", "1"})},
               "is not written in GPT-2's byte alphabet");
  expect_error({.bos = gguf_entry("tokenizer.ggml.bos_token_id", kUint32, u32(9))},
               "\"tokenizer.ggml.bos_token_id\" is 9, but there are 9 tokens");
  expect_error({.eos = gguf_entry("tokenizer.ggml.eos_token_id", kUint32, u32(0xFFFFFFFF))},
               "\"tokenizer.ggml.eos_token_id\" is 4294967295, but there are 9 tokens");
  expect_error({.bos = gguf_entry("tokenizer.ggml.bos_token_id", kUint32, u32(7))},
               "the beginning, id 7, is not in the vocabulary");
}

TEST(TokenizerGguf, MergesThatAreNoneAreRefused) {
  for (const char* merge : {"ab", "a b c", " b", "a ", ""}) {
    expect_error({.merges = gguf_strings("tokenizer.ggml.merges", {"a b", merge})},
                 "has the element 1, \"" + std::string(merge) + "\", which is not two tokens");
  }
  expect_error({.merges = gguf_strings("tokenizer.ggml.merges", {"b a"})},
               "merges[0]: the token \"ba\" is not in the vocabulary");
  expect_error({.merges = gguf_strings("tokenizer.ggml.merges", {"a b", "a b"})},
               "merges[1]: \"a\" and \"b\" have a merge already");
}

}  // namespace
}  // namespace patchbay
