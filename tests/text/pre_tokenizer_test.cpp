// Cutting texts into pieces; the expected pieces are those of Hugging Face tokenizers 0.23.3.
#include "patchbay/text/pre_tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace patchbay {
namespace {

using Pieces = std::vector<std::string_view>;

struct Example {
  std::string_view text;
  Pieces pieces;
};

void expect_pieces(PreTokenizer kind, const std::vector<Example>& examples) {
  for (const auto& [text, pieces] : examples) EXPECT_EQ(pre_tokenize(text, kind), pieces) << text;
}

TEST(PreTokenizer, Gpt2KeepsOneSpaceWithTheWordThatFollows) {
  expect_pieces(PreTokenizer::kGpt2,
                {{"in 1984, 3.14 and 10,000",
                  {"in", " 1984", ",", " 3", ".", "14", " and", " 10", ",", "000"}},
                 {"  42", {" ", " 42"}},
                 {"___ __init__", {"___", " __", "init", "__"}},
                 {"½²Ⅷ٣ x", {"½²Ⅷ٣", " x"}},
                 {"😀😀 中文 12a", {"😀😀", " 中文", " 12", "a"}},
                 {"a\u200Bb e\u0301x", {"a", "\u200B", "b", " e", "\u0301", "x"}},
                 {"", {}}});
}

TEST(PreTokenizer, Gpt2LeavesTheLastWhiteSpaceOfARunToWhatFollows) {
  expect_pieces(PreTokenizer::kGpt2, {{"1\n\n2  \n3", {"1", "\n", "\n", "2", "  ", "\n", "3"}},
                                      {"\t\tx \n", {"\t", "\t", "x", " \n"}},
                                      {"a \r\n b", {"a", " \r\n", " b"}},
                                      {"  \u3000 a\u00A0b", {"  \u3000", " a", "\u00A0", "b"}},
                                      {" ", {" "}},
                                      {"   ", {"   "}}});
}

TEST(PreTokenizer, ContractionsAreLowerCaseAndOnlyAtTheBeginningOfAPiece) {
  expect_pieces(PreTokenizer::kGpt2,
                {{"don't  stop\n\n now", {"don", "'t", " ", " stop", "\n\n", " now"}},
                 {"I'LL we'll", {"I", "'", "LL", " we", "'ll"}},
                 {"''s !'s '", {"''", "s", " !'", "s", " '"}},
                 {"'re'ved'lld", {"'re", "'ve", "d", "'ll", "d"}}});
}

TEST(PreTokenizer, SmollmCutsEveryDigitAndTheTextBetweenOnItsOwn) {
  expect_pieces(PreTokenizer::kSmollm, {{"in 1984, 3.14 and 10,000",
                                         {"in", " ", "1",    "9", "8", "4", ",", " ", "3", ".",
                                          "1",  "4", " and", " ", "1", "0", ",", "0", "0", "0"}},
                                        {"  42", {"  ", "4", "2"}},
                                        {"a  7b", {"a", "  ", "7", "b"}},
                                        {"½²Ⅷ٣ x", {"½", "²", "Ⅷ", "٣", " x"}},
                                        {"it's 5'5s", {"it", "'s", " ", "5", "'", "5", "s"}},
                                        {"1\n\n2  \n3", {"1", "\n\n", "2", "  \n", "3"}},
                                        {"x１２３", {"x", "１", "２", "３"}},
                                        {"a \r\n b", {"a", " \r\n", " b"}},
                                        {"", {}}});
}

TEST(PreTokenizer, PiecesFollowOneAnotherWithoutGapsWhateverTheBytes) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += static_cast<char>((i * 7919 + i / 13) % 256);
  for (const auto kind : {PreTokenizer::kGpt2, PreTokenizer::kSmollm}) {
    std::string joined;
    for (const auto piece : pre_tokenize(text, kind)) joined += piece;
    EXPECT_EQ(joined, text);
  }
}

}  // namespace
}  // namespace patchbay
