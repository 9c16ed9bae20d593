#include "patchbay/base/words.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace patchbay {
namespace {

using Parts = std::vector<std::string_view>;

TEST(Words, AreSplitWithoutSpacesAroundThem) {
  EXPECT_EQ(split(" a b ,c,, d ", ','), (Parts{"a b", "c", "", "d"}));
  EXPECT_EQ(split("", ','), Parts{""});
  EXPECT_EQ(split(",", ','), (Parts{"", ""}));
  EXPECT_EQ(trimmed("  "), "");
}

TEST(Words, AreInLowerCaseWhereTheyAreLatin) { EXPECT_EQ(lower_case("END, Äb 1"), "end, Äb 1"); }

TEST(Words, AreNumbersWhenTheWholeWordIsOne) {
  EXPECT_EQ(parse_number<std::int64_t>("-12"), -12);
  EXPECT_EQ(parse_number<double>("1e3"), 1000.0);
  for (const std::string_view text : {"", " 1", "1 ", "+1", "0x1", "1.5", "one"}) {
    EXPECT_FALSE(parse_number<std::int64_t>(text)) << text;
  }
  EXPECT_FALSE(parse_number<std::int8_t>("128"));
}

}  // namespace
}  // namespace patchbay
