// Random strings that another implementation has tokenized; see scripts/tokenizer_oracle.py.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/io/json.h"
#include "patchbay/text/tokenizer.h"
#include "patchbay/text/unicode_tables.h"
#include "tests/text/gpt2_files.h"

namespace patchbay {
namespace {

constexpr std::string_view kHowTo =
    "PATCHBAY_TOKENIZER_ORACLE is not set; run: python3 -m venv build/oracle && "
    "build/oracle/bin/pip install tokenizers==0.23.3 && build/oracle/bin/python "
    "scripts/tokenizer_oracle.py tests/golden/gpt2-tokenizer build/oracle.jsonl && export "
    "PATCHBAY_TOKENIZER_ORACLE=$PWD/build/oracle.jsonl";

std::string_view name_of(CharClass char_class) {
  switch (char_class) {
    case CharClass::kLetter:
      return "letter";
    case CharClass::kNumber:
      return "number";
    case CharClass::kSpace:
      return "space";
    default:
      return "other";
  }
}

// GPT-2's vocabulary, cut by one of the pre-tokenizers.
Tokenizer load(std::string_view pre_tokenizer) {
  const testing::TempFolder folder;
  folder.write(
      "tokenizer.json",
      testing::gpt2_tokenizer_json(
          pre_tokenizer == "smollm" ? testing::kDigitsThenByteLevel : testing::kByteLevel, true));
  return Tokenizer::from_folder(folder.path());
}

// The number of code points in the ranges; every one must be of the range's class.
std::size_t check_classes(const JsonValue& ranges) {
  std::size_t compared = 0;
  for (const JsonValue& range : ranges.items()) {
    const std::string& expected = range.at(2).as_string();
    for (auto c = range.at(0).as_int(); c <= range.at(1).as_int(); ++c) {
      EXPECT_EQ(name_of(char_class(static_cast<char32_t>(c))), expected) << c;
      ++compared;
    }
  }
  return compared;
}

class TokenizerOracle : public ::testing::TestWithParam<std::string_view> {};

TEST_P(TokenizerOracle, EveryTokenAndEveryClassIsTheSame) {
  const char* path = std::getenv("PATCHBAY_TOKENIZER_ORACLE");
  if (path == nullptr) GTEST_SKIP() << kHowTo;
  std::ifstream file(path);
  ASSERT_TRUE(file) << path;
  const Tokenizer tokenizer = load(GetParam());
  const std::string wanted = "[\"" + std::string(GetParam()) + "\"";
  std::string line;
  std::size_t strings = 0;
  std::size_t code_points = 0;
  std::size_t differences = 0;
  while (std::getline(file, line)) {
    if (!line.starts_with(wanted)) continue;
    const JsonDocument record = parse_json(line, path);
    if (record->items().size() == 2) {
      code_points += check_classes(record->at(1));
      continue;
    }
    std::vector<TokenId> expected;
    for (const JsonValue& id : record->at(2).items()) {
      expected.push_back(static_cast<TokenId>(id.as_int()));
    }
    const std::string& text = record->at(1).as_string();
    const auto tokens = tokenizer.to_tokens(text, {.prepend_bos = false});
    if (tokens != expected && ++differences <= 10) ADD_FAILURE() << line;
    if (tokenizer.to_string(tokens) != text) ADD_FAILURE() << "does not come back: " << line;
    ++strings;
  }
  EXPECT_EQ(differences, 0u) << "of " << strings << " strings";
  EXPECT_GE(strings, 100'000u);
  EXPECT_GE(code_points, 280'000u);
}

INSTANTIATE_TEST_SUITE_P(Each, TokenizerOracle, ::testing::Values("gpt2", "smollm"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace patchbay
