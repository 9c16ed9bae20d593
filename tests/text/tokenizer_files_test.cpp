// Loading tokenizers from files: the formats, and what is said about files that are broken.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/io/json.h"
#include "patchbay/text/tokenizer.h"
#include "tests/text/gpt2_files.h"

namespace patchbay {
namespace {

using testing::error_of;
using testing::gpt2;
using testing::TempFolder;
using Tokens = std::vector<TokenId>;

const ToTokensOptions kPlain{.prepend_bos = false};

constexpr std::string_view kVocab = R"({"a": 0, "b": 1, "Ġ": 2, "ab": 3, "Ġab": 4})";
constexpr std::string_view kMerges = "#version: 0.2\na b\nĠ ab\n";

// The text of the error, without the path of the folder.
std::string load_error(const TempFolder& folder) {
  std::string message = error_of([&] { (void)Tokenizer::from_folder(folder.path()); });
  const std::string path = folder.path().string() + "/";
  while (message.find(path) != std::string::npos) message.erase(message.find(path), path.size());
  return message;
}

std::string files_error(std::string_view vocab, std::string_view merges) {
  const TempFolder folder;
  folder.write("vocab.json", vocab);
  folder.write("merges.txt", merges);
  return load_error(folder);
}

TEST(TokenizerFiles, AFolderWithGpt2sTwoFilesIsRead) {
  EXPECT_EQ(gpt2().d_vocab(), 50257u);
  EXPECT_EQ(gpt2().pre_tokenizer(), PreTokenizer::kGpt2);
}

TEST(TokenizerFiles, WithoutEndOfTextThereIsNoBeginning) {
  const TempFolder folder;
  folder.write("vocab.json", kVocab);
  folder.write("merges.txt", "a b\r\nĠ ab\r\n\r\n");
  const auto tokenizer = Tokenizer::from_folder(folder.path());
  EXPECT_EQ(tokenizer.to_tokens("ab abb", kPlain), (Tokens{3, 4, 1}));
  EXPECT_EQ(tokenizer.bos_token_id(), std::nullopt);
  EXPECT_TRUE(tokenizer.special_tokens().empty());
}

TEST(TokenizerFiles, MissingFilesAreNamed) {
  const TempFolder folder;
  EXPECT_NE(load_error(folder).find("neither tokenizer.json nor vocab.json with merges.txt"),
            std::string::npos);
  folder.write("vocab.json", kVocab);
  EXPECT_NE(load_error(folder).find("merges.txt: cannot be read"), std::string::npos);
  try {
    (void)Tokenizer::from_folder(folder.path() / "nowhere");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNoInput);
  }
}

TEST(TokenizerFiles, ABrokenVocabularyIsRefused) {
  const auto expect = [](std::string_view vocab, std::string_view part) {
    const std::string message = files_error(vocab, "");
    EXPECT_TRUE(message.starts_with("[tokenizer] vocab.json: ")) << message;
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect(R"({"a": 0)", "byte 7");
  expect(R"(["a"])", "object");
  expect(R"({"a": 0, "a": 1})", "\"a\"");
  expect(R"({"a": 0, "b": 0})", "is 0, the id of \"a\" too");
  expect(R"({"a": -1})", "is -1; ids go from 0 to 1048575");
  expect(R"({"a": 1048576})", "is 1048576; ids go from 0 to 1048575");
  expect(R"({"a": 9223372036854775808})", "\"a\"");
  expect(R"({"a": 1.0})", "\"a\"");
  expect(R"({"a": "0"})", "\"a\"");
  expect(R"({"": 0})", "empty token");
  expect(R"({"a b": 0})", "the token \"a b\" (id 0) is not written in GPT-2's byte alphabet");
  expect("{\"\xFF\": 0}", "UTF-8");
}

TEST(TokenizerFiles, ABrokenMergeIsRefusedWithItsLine) {
  EXPECT_EQ(files_error(kVocab, kMerges), "");
  EXPECT_EQ(files_error(kVocab, "#version: 0.2\na b\nĠ ab\nb a\n"),
            "[tokenizer] merges.txt: line 4: the token \"ba\" is not in the vocabulary; do "
            "vocabulary and merges belong together?");
  EXPECT_EQ(files_error(kVocab, "a b\nx a\n"),
            "[tokenizer] merges.txt: line 2: the token \"x\" is not in the vocabulary; do "
            "vocabulary and merges belong together?");
  EXPECT_EQ(files_error(kVocab, "a b\na b\n"),
            "[tokenizer] merges.txt: line 2: \"a\" and \"b\" have a merge already; keep one");
  for (const char* line : {"ab", "a b c", " ab", "ab ", "a  b", "", " "}) {
    EXPECT_EQ(files_error(kVocab, "#version: 0.2\na b\n" + std::string(line) + "\nĠ ab\n"),
              "[tokenizer] merges.txt: line 3: \"" + std::string(line) +
                  "\" is not two tokens with one space between them; is this GPT-2's merges.txt?");
  }
}

TEST(TokenizerFiles, ATokenizerJsonGivesTheSameTokensHoweverItsMergesAreWritten) {
  for (const bool pairs : {false, true}) {
    const TempFolder folder;
    folder.write("tokenizer.json", testing::gpt2_tokenizer_json(testing::kByteLevel, pairs));
    const auto tokenizer = Tokenizer::from_folder(folder.path());
    EXPECT_EQ(tokenizer.d_vocab(), 50257u);
    EXPECT_EQ(tokenizer.bos_token_id(), 50256);
    EXPECT_EQ(tokenizer.pre_tokenizer(), PreTokenizer::kGpt2);
    std::ifstream file(testing::gpt2_folder() / "strings.jsonl");
    for (std::string line; std::getline(file, line);) {
      const JsonDocument example = parse_json(line, "strings.jsonl");
      const std::string& text = example->at(0).as_string();
      ASSERT_EQ(tokenizer.to_tokens(text, kPlain), gpt2().to_tokens(text, kPlain)) << line;
    }
  }
}

// A small tokenizer.json, of which tests replace parts.
constexpr std::string_view kSmall = R"({
  "added_tokens": [{"id": 5, "content": "<|endoftext|>", "special": true},
                   {"id": 9, "content": "<s>", "special": true}],
  "normalizer": null,
  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
  "decoder": null,
  "model": {"type": "BPE", "dropout": null,
            "vocab": {"a": 0, "b": 1, "Ġ": 2, "ab": 3, "Ġab": 4}, "merges": ["a b", ["Ġ", "ab"]]}
})";

std::string small_with(std::string_view part, std::string_view replacement) {
  std::string text(kSmall);
  const std::size_t place = text.find(part);
  EXPECT_NE(place, std::string::npos) << part;
  return text.replace(place, part.size(), replacement);
}

std::string json_error(std::string_view part, std::string_view replacement) {
  const TempFolder folder;
  folder.write("tokenizer.json", small_with(part, replacement));
  return load_error(folder);
}

TEST(TokenizerJson, TheBeginningComesFromTheConfigBesideItOrIsEndOfText) {
  const auto bos = [](std::string_view config) {
    const TempFolder folder;
    folder.write("tokenizer.json", kSmall);
    if (!config.empty()) folder.write("tokenizer_config.json", config);
    return Tokenizer::from_folder(folder.path()).bos_token_id();
  };
  EXPECT_EQ(bos(""), 5);
  EXPECT_EQ(bos(R"({"model_max_length": 1024})"), 5);
  EXPECT_EQ(bos(R"({"bos_token": null})"), std::nullopt);
  EXPECT_EQ(bos(R"({"bos_token": "<s>"})"), 9);
  EXPECT_EQ(bos(R"({"bos_token": {"content": "<s>", "lstrip": false}})"), 9);
  EXPECT_EQ(bos(R"({"bos_token": "ab"})"), 3);
  const TempFolder folder;
  folder.write("tokenizer.json", kSmall);
  folder.write("tokenizer_config.json", R"({"bos_token": "<bos>"})");
  EXPECT_EQ(load_error(folder),
            "[tokenizer] tokenizer_config.json: \"bos_token\" is \"<bos>\", which the "
            "tokenizer.json beside it does not have; correct the file");
}

TEST(TokenizerJson, ThePreTokenizerIsRecognised) {
  const auto kind = [](std::string_view pre_tokenizer) {
    const TempFolder folder;
    folder.write("tokenizer.json",
                 small_with(R"({"type": "ByteLevel", "add_prefix_space": false})", pre_tokenizer));
    return Tokenizer::from_tokenizer_json(folder.path() / "tokenizer.json").pre_tokenizer();
  };
  EXPECT_EQ(kind(testing::kByteLevel), PreTokenizer::kGpt2);
  EXPECT_EQ(kind(testing::kDigitsThenByteLevel), PreTokenizer::kSmollm);
  EXPECT_EQ(kind(R"({"type": "Sequence", "pretokenizers": [
                     {"type": "ByteLevel", "add_prefix_space": false}]})"),
            PreTokenizer::kGpt2);
}

TEST(TokenizerJson, WhatWouldGiveOtherTokensIsRefusedByName) {
  const std::string byte_level = R"("pre_tokenizer": {"type": "ByteLevel", )";
  const auto expect = [](std::string_view part, std::string_view replacement,
                         std::string_view message_part) {
    const std::string message = json_error(part, replacement);
    EXPECT_TRUE(message.starts_with("[tokenizer] tokenizer.json: ")) << message;
    EXPECT_NE(message.find(message_part), std::string::npos) << message;
  };
  EXPECT_EQ(json_error(R"("dropout": null)", R"("dropout": 0.0, "unk_token": "")"), "");
  EXPECT_EQ(json_error(R"("type": "BPE", )", ""), "");
  EXPECT_EQ(json_error(R"("normalizer": null)", R"("normalizer": {"type": "NFC"})"),
            "[tokenizer] tokenizer.json: \"normalizer\" is not supported: it changes the text "
            "before it is cut; use a model with a byte-level BPE tokenizer like GPT-2's");
  expect(R"("type": "BPE")", R"("type": "Unigram")", "\"model.type\" is not supported");
  expect(R"("dropout": null)", R"("dropout": 0.1)", "\"model.dropout\" is not supported");
  expect(R"("dropout": null)", R"("unk_token": "a")", "\"model.unk_token\" is not supported");
  expect(R"("dropout": null)", R"("byte_fallback": true)", "\"model.byte_fallback\" is not");
  expect(R"("dropout": null)", R"("ignore_merges": true)", "\"model.ignore_merges\" is not");
  expect(R"("dropout": null)", R"("continuing_subword_prefix": "##")", "subword_prefix\" is not");
  expect(R"("dropout": null)", R"("end_of_word_suffix": "</w>")", "of_word_suffix\" is not");
  expect(R"("decoder": null)", R"("decoder": {"type": "Fuse"})", "\"decoder\" is not supported");
  expect(R"("add_prefix_space": false)", R"("add_prefix_space": true)",
         "add_prefix_space\" is not");
  expect(R"("add_prefix_space": false)", R"("x": 0)", "add_prefix_space");
  expect(byte_level, byte_level + R"("use_regex": false, )", "use_regex\" is not supported");
  expect(R"("type": "ByteLevel")", R"("type": "Metaspace")", "\"pre_tokenizer\" is not supported");
  expect(R"({"type": "ByteLevel", "add_prefix_space": false})", "null",
         "\"pre_tokenizer\" is not supported");
  expect(R"({"type": "ByteLevel", "add_prefix_space": false})",
         R"({"type": "Sequence", "pretokenizers": [{"type": "Split"},
            {"type": "ByteLevel", "add_prefix_space": false}]})",
         "\"pre_tokenizer\" is not supported");
  expect(R"({"type": "ByteLevel", "add_prefix_space": false})",
         R"({"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": false},
            {"type": "ByteLevel", "add_prefix_space": false}]})",
         "\"pre_tokenizer\" is not supported");
  for (const char* option : {"lstrip", "rstrip", "single_word"}) {
    expect(R"("id": 5,)", R"("id": 5, ")" + std::string(option) + R"(": true,)",
           std::string(option) + "\" is not supported");
  }
}

TEST(TokenizerJson, BrokenFilesAreRefusedAtTheirPlace) {
  const auto expect = [](std::string_view part, std::string_view replacement,
                         std::string_view message_part) {
    const std::string message = json_error(part, replacement);
    EXPECT_TRUE(message.starts_with("[tokenizer] tokenizer.json: ")) << message;
    EXPECT_NE(message.find(message_part), std::string::npos) << message;
  };
  expect(R"("model")", R"("mode")", "model");
  expect(R"("pre_tokenizer")", R"("pre")", "pre_tokenizer");
  expect(R"("vocab")", R"("vocabulary")", "vocab");
  expect(R"("merges")", R"("merge")", "merges");
  expect(R"("a b")", R"("a  b")", "merges[0]\" must be two tokens");
  expect(R"("a b")", R"("ab")", "merges[0]\" must be two tokens");
  expect(R"("a b")", "7", "merges[0]");
  expect(R"(["Ġ", "ab"])", R"(["Ġ", "a", "b"])", "merges[1]\" must be two tokens");
  expect(R"(["Ġ", "ab"])", R"(["a", "a"])", "merges[1]: the token \"aa\" is not in the vocabulary");
  expect(R"("id": 9)", R"("id": 5)", "appears twice");
  expect(R"("id": 9)", R"("id": -9)", "is -9; ids go from 0");
  expect(R"("id": 9)", R"("id": 99999999999)", "is 99999999999; ids go from 0");
  expect(R"("id": 9)", R"("id": 1)", "has the id of the token \"b\"");
  expect(R"("content": "<s>")", R"("text": "<s>")", "content");
  expect(R"("ab": 3)", R"("ab": 1)", "the id of \"b\" too");
}

}  // namespace
}  // namespace patchbay
