// UTF-8, the byte alphabet and the classes of characters.
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "patchbay/base/utf8.h"
#include "patchbay/text/byte_alphabet.h"
#include "patchbay/text/unicode_tables.h"

namespace patchbay {
namespace {

using namespace std::string_literals;

TEST(Utf8, EveryScalarValueIsDecodedAsItWasEncoded) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text = "x";
    append_utf8(c, text);
    const Utf8Char decoded = decode_utf8(text, 1);
    ASSERT_EQ(decoded.code_point, c);
    ASSERT_EQ(decoded.length, text.size() - 1);
  }
}

TEST(Utf8, IllFormedBytesAreFoundAtTheirOffset) {
  const std::vector<std::string> ill_formed = {
      "\x80",         "\xBF",         "\xC0\x80",         "\xC1\xBF",         "\xC3",
      "\xC3(",        "\xE0\x80\x80", "\xE0\x9F\xBF",     "\xE4\xB8",         "\xED\xA0\x80",
      "\xED\xBF\xBF", "\xF0\x9F\x98", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
      "\xFE",         "\xFF"};
  for (const std::string& bytes : ill_formed) {
    EXPECT_EQ(find_invalid_utf8("é字" + bytes), 5u) << in_quotes(bytes);
    EXPECT_EQ(find_invalid_utf8("é字" + bytes + "abc"), 5u) << in_quotes(bytes);
  }
  EXPECT_EQ(find_invalid_utf8("é字😀\0x"s), std::nullopt);
  EXPECT_EQ(find_invalid_utf8(""), std::nullopt);
}

TEST(Utf8, MessagesShowControlsAndBrokenBytesEscaped) {
  EXPECT_EQ(in_quotes("a \"b\"\n\t字"), R"("a \"b\"\n\x09字")");
  EXPECT_EQ(in_quotes("\xE5\xAD \x7F\xC2\x85"), R"("\xE5\xAD \x7F\xC2\x85")");
  EXPECT_EQ(in_quotes(std::string(1000, 'a')), "\"" + std::string(80, 'a') + "…\"");
}

TEST(ByteAlphabet, EveryByteHasASymbolOfItsOwn) {
  std::set<std::string> symbols;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    const std::string symbol = to_byte_alphabet(text);
    symbols.insert(symbol);
    EXPECT_EQ(from_byte_alphabet(symbol), text);
  }
  EXPECT_EQ(symbols.size(), 256u);
}

TEST(ByteAlphabet, SymbolsAreThoseOfGpt2) {
  EXPECT_EQ(to_byte_alphabet(" a\n~\xA1\xAD\xFF"), "ĠaĊ~¡Ńÿ");
  EXPECT_EQ(to_byte_alphabet("\0\x7F\xA0"s), "Āġł");
}

TEST(ByteAlphabet, OtherCharactersAreRefused) {
  for (const char* text : {" ", "a b", "\n", "字", "ń", "\u00AD", "\xFF", "a\xC4"}) {
    EXPECT_EQ(from_byte_alphabet(text), std::nullopt) << in_quotes(text);
  }
  EXPECT_EQ(from_byte_alphabet(""), "");
}

TEST(UnicodeTables, RangesIncreaseWithoutOverlap) {
  const auto ranges = code_point_ranges();
  ASSERT_FALSE(ranges.empty());
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    EXPECT_TRUE(ranges[i].first <= ranges[i].last);
    EXPECT_NE(ranges[i].char_class, CharClass::kOther);
    if (i > 0) {
      EXPECT_TRUE(ranges[i - 1].last < ranges[i].first);
    }
  }
}

TEST(UnicodeTables, LookUpAgreesWithALinearScan) {
  std::vector<CharClass> expected(0x110000, CharClass::kOther);
  for (const auto& [first, last, char_class] : code_point_ranges()) {
    for (char32_t c = first; c <= last; ++c) expected[c] = char_class;
  }
  for (char32_t c = 0; c < 0x110000; ++c) ASSERT_EQ(char_class(c), expected[c]) << std::uint32_t{c};
  EXPECT_EQ(char_class(0x110000), CharClass::kOther);
  EXPECT_EQ(char_class(0xFFFFFFFF), CharClass::kOther);
}

TEST(UnicodeTables, WhiteSpaceIsTheTwentyFiveCharactersOfTheProperty) {
  const std::set<char32_t> white_space = {0x09,   0x0A,   0x0B,   0x0C,   0x0D,   0x20,   0x85,
                                          0xA0,   0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004,
                                          0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200A, 0x2028,
                                          0x2029, 0x202F, 0x205F, 0x3000};
  for (char32_t c = 0; c < 0x110000; ++c) {
    ASSERT_EQ(char_class(c) == CharClass::kSpace, white_space.contains(c)) << std::uint32_t{c};
  }
}

TEST(UnicodeTables, LettersAndNumbersAreGeneralCategoriesNotScripts) {
  for (const char32_t c : {U'a', U'Z', U'é', U'ß', U'ʰ', U'字', U'𝒜', U'ª', U'一'}) {
    EXPECT_EQ(char_class(c), CharClass::kLetter) << std::uint32_t{c};
  }
  for (const char32_t c : {U'0', U'²', U'½', U'Ⅷ', U'٣', U'〇', U'①', U'𝟙'}) {
    EXPECT_EQ(char_class(c), CharClass::kNumber) << std::uint32_t{c};
  }
  for (const char32_t c : {U'_', U'\'', U'\u0301', U'\u200B', U'\u200D', U'\uFEFF', U'😀'}) {
    EXPECT_EQ(char_class(c), CharClass::kOther) << std::uint32_t{c};
  }
}

}  // namespace
}  // namespace patchbay
