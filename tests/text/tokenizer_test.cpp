// The tokenizer on GPT-2's vocabulary.
#include "patchbay/text/tokenizer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "patchbay/base/utf8.h"
#include "patchbay/io/json.h"
#include "tests/text/gpt2_files.h"

namespace patchbay {
namespace {

using testing::error_of;
using testing::gpt2;
using Tokens = std::vector<TokenId>;

constexpr TokenId kEndOfTextId = 50256;
const ToTokensOptions kPlain{.prepend_bos = false};

static_assert(!std::is_default_constructible_v<ToTokensOptions>, "prepend_bos has no default");

TEST(Tokenizer, Gpt2EqualsHuggingFaceOnThreeThousandHostileStrings) {
  std::ifstream file(testing::gpt2_folder() / "strings.jsonl");
  std::string line;
  int compared = 0;
  while (std::getline(file, line)) {
    const JsonDocument example = parse_json(line, "strings.jsonl");
    const std::string& text = example->at(0).as_string();
    Tokens expected;
    for (const auto& id : example->at(1).items()) {
      expected.push_back(static_cast<TokenId>(id.as_int()));
    }
    ASSERT_EQ(gpt2().to_tokens(text, kPlain), expected) << line;
    ASSERT_EQ(gpt2().to_string(expected), text);
    ++compared;
  }
  EXPECT_EQ(compared, 3000);
}

TEST(Tokenizer, EveryTokenIsDecodedAndFoundAgain) {
  ASSERT_EQ(gpt2().d_vocab(), 50257u);
  int valid = 0;
  int same = 0;
  for (TokenId id = 0; id < 50257; ++id) {
    const std::string& bytes = gpt2().token_bytes(id);
    ASSERT_EQ(gpt2().find_token(bytes), id);
    ASSERT_EQ(gpt2().to_string(Tokens{id}), bytes);
    if (find_invalid_utf8(bytes)) {
      EXPECT_THROW((void)gpt2().to_tokens(bytes, kPlain), Error);
      continue;
    }
    const Tokens tokens = gpt2().to_tokens(bytes, kPlain);
    ASSERT_EQ(gpt2().to_string(tokens), bytes);
    ++valid;
    if (tokens == Tokens{id}) ++same;
  }
  // Counted by an independent script; the one that differs is "<|endoftext|>", which is text here.
  EXPECT_EQ(valid, 49913);
  EXPECT_EQ(same, 49912);
}

TEST(Tokenizer, AMillionRepetitionsAreTokenizedAndComeBack) {
  for (const std::string unit : {"a", " ", "\n", "1", "字", "😀", "ab ", "'s", "\u3000", " \n"}) {
    std::string text;
    for (int i = 0; i < 1'000'000; ++i) text += unit;
    EXPECT_EQ(gpt2().to_string(gpt2().to_tokens(text, kPlain)), text) << in_quotes(unit);
  }
}

TEST(Tokenizer, ABeginningIsAddedOnlyWhenAskedFor) {
  EXPECT_EQ(gpt2().bos_token_id(), kEndOfTextId);
  EXPECT_EQ(gpt2().to_tokens("Hello world", {.prepend_bos = false}), (Tokens{15496, 995}));
  EXPECT_EQ(gpt2().to_tokens("Hello world", {.prepend_bos = true}),
            (Tokens{kEndOfTextId, 15496, 995}));
  EXPECT_EQ(gpt2().to_tokens("", {.prepend_bos = false}), Tokens{});
  EXPECT_EQ(gpt2().to_tokens("", {.prepend_bos = true}), Tokens{kEndOfTextId});
}

TEST(Tokenizer, SpecialTokensInATextAreTextUnlessAskedFor) {
  const Tokens as_text = {27, 91, 437, 1659, 5239, 91, 29};
  EXPECT_EQ(gpt2().to_tokens("<|endoftext|>", kPlain), as_text);
  EXPECT_EQ(gpt2().to_tokens("a<|endoftext|><|endoftext|> b<|endoftext|",
                             {.prepend_bos = false, .parse_special = true}),
            (Tokens{64, kEndOfTextId, kEndOfTextId, 275, 27, 91, 437, 1659, 5239, 91}));
  ASSERT_EQ(gpt2().special_tokens().size(), 1u);
  EXPECT_EQ(gpt2().special_tokens()[0].id, kEndOfTextId);
  EXPECT_EQ(gpt2().to_string(Tokens{kEndOfTextId}), "<|endoftext|>");
}

TEST(Tokenizer, StringTokensAreTheBytesOfEachToken) {
  EXPECT_EQ(gpt2().to_str_tokens("Hello, Wörld", {.prepend_bos = true}),
            (std::vector<std::string>{"<|endoftext|>", "Hello", ",", " W", "ör", "ld"}));
  const Tokens split = gpt2().to_tokens("字", kPlain);
  EXPECT_EQ(gpt2().to_str_tokens(split), (std::vector<std::string>{"\xE5\xAD", "\x97"}));
}

TEST(Tokenizer, TextThatIsNotUtf8IsRefusedWithItsOffset) {
  EXPECT_EQ(error_of([] { (void)gpt2().to_tokens("abc\xE5\xAD", kPlain); }),
            "[tokenizer] the text is not UTF-8 at byte 3; convert it to UTF-8");
}

TEST(Tokenizer, UnknownIdsAreRefused) {
  for (const TokenId id : {-1, 50257, 2147483647, -2147483647}) {
    EXPECT_THROW((void)gpt2().to_string(Tokens{id}), Error);
    EXPECT_THROW((void)gpt2().to_str_tokens(Tokens{id}), Error);
    EXPECT_FALSE(gpt2().has_token(id));
  }
  EXPECT_EQ(error_of([] { (void)gpt2().token_bytes(50257); }),
            "[tokenizer] no token has the id 50257; ids of this vocabulary go from 0 to 50256");
}

TEST(Tokenizer, ASingleTokenIsItsIdAndAnythingElseIsListed) {
  EXPECT_EQ(gpt2().to_single_token(" Mary"), 5335);
  EXPECT_EQ(error_of([] { (void)gpt2().to_single_token("Wörld"); }),
            "[tokenizer] \"Wörld\" is 3 tokens, not one: \"W\" (54), \"ör\" (30570), "
            "\"ld\" (335); choose a text that is one token (a leading space often makes the "
            "difference)");
  EXPECT_EQ(error_of([] { (void)gpt2().to_single_token("字"); }),
            "[tokenizer] \"字\" is 2 tokens, not one: \"\\xE5\\xAD\" (27764), \"\\x97\" (245); "
            "choose a text that is one token (a leading space often makes the difference)");
  EXPECT_NE(error_of([] { (void)gpt2().to_single_token(""); }).find("\"\" is 0 tokens, not one;"),
            std::string::npos);
  EXPECT_NE(error_of([] {
              (void)gpt2().to_single_token("<|endoftext|>");
            }).find("; as a special token it has the id 50256"),
            std::string::npos);
}

// The tokens of single bytes, and a few more.
TokenizerParts small_parts() {
  TokenizerParts parts;
  parts.source = "small";
  parts.tokens = {"a", "b", "Ġ", "ab", "", "Ġab", "1"};
  parts.merges = {{"a", "b"}, {"Ġ", "ab"}};
  return parts;
}

TEST(Tokenizer, UnusedIdsAreNoTokens) {
  const auto tokenizer = Tokenizer::from_parts(small_parts());
  EXPECT_EQ(tokenizer.d_vocab(), 7u);
  EXPECT_FALSE(tokenizer.has_token(4));
  EXPECT_EQ(tokenizer.to_tokens("ab abb", kPlain), (Tokens{3, 5, 1}));
  EXPECT_THROW((void)tokenizer.to_string(Tokens{4}), Error);
}

TEST(Tokenizer, AMissingByteIsAnErrorOnlyWhenATextNeedsIt) {
  const auto tokenizer = Tokenizer::from_parts(small_parts());
  EXPECT_EQ(error_of([&] { (void)tokenizer.to_tokens("abc", kPlain); }),
            "[tokenizer] the text has the byte 0x63, for which this vocabulary has no token; leave "
            "the character out or use another model");
}

TEST(Tokenizer, WithoutABeginningPrependBosIsAnError) {
  const auto tokenizer = Tokenizer::from_parts(small_parts());
  EXPECT_EQ(tokenizer.bos_token_id(), std::nullopt);
  EXPECT_NE(error_of([&] { (void)tokenizer.to_tokens("a", {.prepend_bos = true}); }), "");
}

TEST(Tokenizer, AddedTokensAreFoundLeftmostAndLongestAndSpecialOnesOnRequest) {
  auto parts = small_parts();
  parts.added = {{.id = 7, .content = "<b>", .special = true},
                 {.id = 8, .content = "a a"},
                 {.id = 9, .content = "a a b"},
                 {.id = 4, .content = " <字>", .special = true}};
  const auto tokenizer = Tokenizer::from_parts(parts);
  EXPECT_EQ(tokenizer.d_vocab(), 10u);
  EXPECT_EQ(tokenizer.to_tokens("ba aba a bb", kPlain), (Tokens{1, 8, 1, 9, 1}));
  const ToTokensOptions special{.prepend_bos = false, .parse_special = true};
  EXPECT_EQ(tokenizer.to_tokens("a<b> <字>ab<b>", special), (Tokens{0, 7, 4, 3, 7}));
  EXPECT_THROW((void)tokenizer.to_tokens("a<b>", kPlain), Error);
  ASSERT_EQ(tokenizer.special_tokens().size(), 2u);
  EXPECT_EQ(tokenizer.special_tokens()[0].id, 4);
  EXPECT_EQ(tokenizer.to_string(Tokens{0, 4, 9}), "a <字>a a b");
}

TEST(Tokenizer, AddedTokensMayBeListedAmongTheOthersAsTheyStand) {
  auto parts = small_parts();
  parts.tokens.push_back("é");  // as bytes this would be the single byte 0xE9
  parts.tokens.push_back("<｜x｜>");
  parts.added = {{.id = 7, .content = "é"}, {.id = 8, .content = "<｜x｜>", .special = true}};
  const auto tokenizer = Tokenizer::from_parts(parts);
  EXPECT_EQ(tokenizer.to_tokens("aéb", kPlain), (Tokens{0, 7, 1}));
  EXPECT_EQ(tokenizer.to_string(Tokens{7, 8}), "é<｜x｜>");
}

TEST(Tokenizer, PartsThatContradictThemselvesAreRefused) {
  const auto message = [](auto change) {
    auto parts = small_parts();
    change(parts);
    return error_of([&] { (void)Tokenizer::from_parts(parts); });
  };
  EXPECT_EQ(message([](auto&) {}), "");
  EXPECT_EQ(message([](auto& p) { p.tokens[1] = "a"; }),
            "[tokenizer] small: the token \"a\" has two ids, 0 and 1; keep one");
  EXPECT_EQ(message([](auto& p) { p.tokens[4] = "a b"; }),
            "[tokenizer] small: the token \"a b\" (id 4) is not written in GPT-2's byte alphabet; "
            "only byte-level vocabularies are supported");
  EXPECT_EQ(message([](auto& p) {
              p.merges.push_back({"b", "c"});
            }),
            "[tokenizer] small: merges[2]: the token \"c\" is not in the vocabulary; do vocabulary "
            "and merges belong together?");
  EXPECT_EQ(message([](auto& p) {
              p.merges.push_back({"b", "b"});
            }),
            "[tokenizer] small: merges[2]: the token \"bb\" is not in the vocabulary; do "
            "vocabulary and merges belong together?");
  EXPECT_EQ(message([](auto& p) {
              p.merges.push_back({"a", "b"});
            }),
            "[tokenizer] small: merges[2]: \"a\" and \"b\" have a merge already; keep one");
  EXPECT_EQ(message([](auto& p) { p.bos = 4; }),
            "[tokenizer] small: the beginning, id 4, is not in the vocabulary; name another");
  EXPECT_EQ(message([](auto& p) { p.added = {{.id = -1, .content = "x"}}; }),
            "[tokenizer] small: the added token \"x\" (id -1) is out of range; ids go from 0 to "
            "1048575");
  EXPECT_EQ(message([](auto& p) { p.added = {{.id = 1 << 20, .content = "x"}}; }),
            "[tokenizer] small: the added token \"x\" (id 1048576) is out of range; ids go from 0 "
            "to 1048575");
  EXPECT_EQ(message([](auto& p) { p.added = {{.id = 7, .content = ""}}; }),
            "[tokenizer] small: the added token \"\" (id 7) is empty; remove it");
  EXPECT_EQ(message([](auto& p) { p.added = {{.id = 7, .content = "x\xFF"}}; }),
            "[tokenizer] small: the added token \"x\\xFF\" (id 7) is not UTF-8 at byte 1; correct "
            "it");
  EXPECT_EQ(message([](auto& p) { p.added = {{.id = 0, .content = "x"}}; }),
            "[tokenizer] small: the added token \"x\" (id 0) has the id of the token \"a\"; give "
            "it one of its own");
  EXPECT_EQ(message([](auto& p) { p.added = {{.id = 7, .content = "ab"}}; }),
            "[tokenizer] small: the added token \"ab\" (id 7) is also the token 3 of the "
            "vocabulary; use one id");
  const std::string twice =
      "[tokenizer] small: the added token \"y\" (id 8) appears twice, by its id or its text; keep "
      "one";
  EXPECT_EQ(message([](auto& p) { p.added = {{.id = 8, .content = "x"}, {8, "y"}}; }), twice);
  EXPECT_EQ(message([](auto& p) { p.added = {{.id = 7, .content = "y"}, {8, "y"}}; }), twice);
}

}  // namespace
}  // namespace patchbay
