// JSON is written the same way every time, and reads back as what it was.
#include "patchbay/io/json_writer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "patchbay/io/json.h"

namespace patchbay {
namespace {

TEST(JsonWriter, WritesTheShortestNumberOfEachType) {
  EXPECT_EQ(json_number(0.1F), "0.1");
  EXPECT_EQ(json_number(0.1), "0.1");
  EXPECT_EQ(json_number(static_cast<double>(0.1F)), "0.10000000149011612");
  EXPECT_EQ(json_number(3.0), "3");
  EXPECT_EQ(json_number(-0.0), "-0.0");
  EXPECT_EQ(json_number(0.0F), "0");
  EXPECT_EQ(json_number(1e300), "1e+300");
  EXPECT_EQ(json_number(std::numeric_limits<float>::denorm_min()), "1e-45");
}

TEST(JsonWriter, WritesNullForWhatIsNoNumber) {
  EXPECT_EQ(json_number(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(json_number(-std::numeric_limits<float>::infinity()), "null");
}

TEST(JsonWriter, WritesNumbersThatReadBackBitForBit) {
  std::mt19937_64 random(1);  // NOLINT: the same numbers every time
  for (int i = 0; i < 20000; ++i) {
    const auto value = std::bit_cast<double>(random());
    const auto single = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (!std::isfinite(value) || !std::isfinite(single)) continue;
    const std::string text = fmt::format("[{},{}]", json_number(value), json_number(single));
    const auto read = parse_json(text, "x");
    ASSERT_EQ(std::bit_cast<std::uint64_t>(read->at(0).as_double()),
              std::bit_cast<std::uint64_t>(value))
        << value;
    ASSERT_EQ(static_cast<float>(read->at(1).as_double()), single);
  }
}

TEST(JsonWriter, EscapesWhatMustBeAndPassesUtf8Through) {
  EXPECT_EQ(json_quoted("a\"b\\c\n\t\r\x01\x7f/"), R"("a\"b\\c\n\t\r\u0001\u007f/")");
  EXPECT_EQ(json_quoted("\xC4\xA0the \xF0\x9F\x98\x80"), "\"\xC4\xA0the \xF0\x9F\x98\x80\"");
  EXPECT_EQ(json_quoted(std::string_view("\0", 1)), R"("\u0000")");
}

TEST(JsonWriter, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(json_quoted("\xFF"), R"("\ufffd")");
  EXPECT_EQ(json_quoted("a\xC3"), R"("a\ufffd")");
  EXPECT_EQ(json_quoted("\xC3(b"), R"("\ufffd(b")");
  EXPECT_EQ(json_quoted("\xC0\x80"), R"("\ufffd\ufffd")");
  EXPECT_EQ(json_quoted("\xED\xA0\x80"), R"("\ufffd\ufffd\ufffd")");
  EXPECT_EQ(json_quoted("\xF4\x90\x80\x80").size(), 2 + 4 * 6U);
}

TEST(JsonWriter, QuotesEveryStringSoThatTheParserTakesIt) {
  std::mt19937_64 random(2);  // NOLINT: the same strings every time
  for (int i = 0; i < 5000; ++i) {
    std::string text(random() % 12, ' ');
    for (char& c : text) c = static_cast<char>(random());
    ASSERT_NO_THROW(parse_json(json_quoted(text), "x"));
  }
}

JsonWriter sample(JsonLayout layout) {
  JsonWriter writer(layout);
  writer.begin_object().member("name", "ioi").member("n", 3).member("ok", true);
  writer.key("rows").begin_array();
  writer.begin_array(JsonLayout::kInline).value(0.5F).value(-1.25).null().end_array();
  writer.begin_array(JsonLayout::kInline).begin_object().member("x", 1).end_object().end_array();
  writer.end_array();
  writer.key("empty").begin_array().end_array().key("none").begin_object().end_object();
  writer.end_object();
  return writer;
}

TEST(JsonWriter, IndentsByOneSpaceALevelAndKeepsRowsOnOneLine) {
  EXPECT_EQ(
      sample(JsonLayout::kLines).take(),
      "{\n \"name\": \"ioi\",\n \"n\": 3,\n \"ok\": true,\n \"rows\": [\n  [0.5, -1.25, null],"
      "\n  [{\"x\": 1}]\n ],\n \"empty\": [],\n \"none\": {}\n}\n");
}

TEST(JsonWriter, WritesRowsInOneCallAndNullForWhatIsNotThere) {
  JsonWriter json(JsonLayout::kCompact);
  json.begin_object().row("n", std::vector<int>{1, 2}).row("t", std::vector<std::string>{"a"});
  json.row("some", std::vector<std::optional<float>>{0.5F, std::nullopt});
  json.member("no", std::optional<int>()).member("yes", std::optional<std::string>("x"));
  json.text_or_null("empty", "").text_or_null("full", "y").end_object();
  EXPECT_EQ(json.take(), R"({"n":[1,2],"t":["a"],"some":[0.5,null],"no":null,"yes":"x",)"
                         R"("empty":null,"full":"y"})");
}

TEST(JsonWriter, WritesNoWhiteSpaceWhenCompact) {
  EXPECT_EQ(
      sample(JsonLayout::kCompact).take(),
      R"({"name":"ioi","n":3,"ok":true,"rows":[[0.5,-1.25,null],[{"x":1}]],"empty":[],"none":{}})");
}

}  // namespace
}  // namespace patchbay
