// JSON from outside is read exactly or refused with its place.
#include "patchbay/io/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "tests/io/io_testing.h"
#include "tests/support/temporary_directory.h"

namespace patchbay {
namespace {

using testing::error_of;
using testing::expect_parts;

std::string refusal(std::string_view text, const JsonLimits& limits = {}) {
  return error_of(ErrorKind::kBadData, [&] { parse_json(text, "DIR/x.json", limits); });
}

TEST(Json, ReadsEveryTypeOfValue) {
  const auto json = parse_json(
      R"({"n": null, "b": true, "i": -3, "d": 0.5, "s": "a\u00e9\n", "a": [1, 2], "o": {}})", "x");
  EXPECT_TRUE(json->at("n").is_null());
  EXPECT_TRUE(json->at("b").as_bool());
  EXPECT_EQ(json->at("i").as_int(), -3);
  EXPECT_EQ(json->at("d").as_double(), 0.5);
  EXPECT_EQ(json->at("s").as_string(), "a\xC3\xA9\n");
  EXPECT_EQ(json->at("a").at(1).as_int(), 2);
  EXPECT_TRUE(json->at("o").members().empty());
  EXPECT_EQ(json->find("missing"), nullptr);
}

TEST(Json, KeepsTheOrderOfMembersAndFindsEachOne) {
  const auto json = parse_json(R"({"z": 0, "a": 1, "m": 2, "": 3})", "x");
  std::string order;
  for (const auto& [key, value] : json->members()) order += key + ",";
  EXPECT_EQ(order, "z,a,m,,");
  for (const auto& [key, value] : json->members()) EXPECT_EQ(json->find(key), &value);
}

TEST(Json, KeepsIntegersExactUpTo64BitsAndMakesTheRestDoubles) {
  const auto json = parse_json(
      "[9223372036854775807, -9223372036854775808, 9223372036854775808, 18446744073709551615, "
      "18446744073709551616, 1e3, 1.0, -0]",
      "x");
  EXPECT_EQ(json->at(0).as_int(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(json->at(1).as_int(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(json->at(2).as_unsigned(), std::uint64_t{1} << 63);
  EXPECT_EQ(json->at(3).as_unsigned(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(json->at(4).as_double(), 18446744073709551616.0);
  for (const std::size_t i : {2U, 3U, 4U, 5U, 6U}) {
    expect_parts(error_of(ErrorKind::kBadData, [&] { (void)json->at(i).as_int(); }), "[json] x",
                 "[" + std::to_string(i) + "]", "must be an integer");
  }
  EXPECT_EQ(json->at(7).as_int(), 0);
  EXPECT_EQ(json->at(3).as_double(), 18446744073709551616.0);
}

TEST(Json, NamesTheFileAndTheKeysOfAWrongValue) {
  const auto json = parse_json(R"({"model": {"layers": [{"size": "12"}], "bias": 1}})", "a.json");
  const JsonValue& size = json->at("model").at("layers").at(0).at("size");
  expect_parts(error_of(ErrorKind::kBadData, [&] { (void)size.as_int(); }),
               "[json] a.json: \"model.layers[0].size\" must be an integer, but is a string");
  expect_parts(error_of(ErrorKind::kBadData, [&] { (void)json->at("model").at("heads"); }),
               "[json] a.json: \"model\" has no key \"heads\", which is needed");
  expect_parts(error_of(ErrorKind::kBadData, [&] { (void)json->at("n_layer"); }),
               "a.json: the outermost value has no key \"n_layer\"");
  expect_parts(error_of(ErrorKind::kBadData, [&] { (void)json->at("model").at("layers").at(4); }),
               "\"model.layers\" has 1 elements, but element 4 is needed");
  expect_parts(error_of(ErrorKind::kBadData, [&] { (void)size.find("x"); }), "must be an object");
  expect_parts(error_of(ErrorKind::kBadData, [&] { (void)size.items(); }), "must be an array");
  expect_parts(size.error("must be even").what(), "\"model.layers[0].size\" must be even");
}

TEST(Json, FallsBackForMissingAndNullKeysOnly) {
  const auto json = parse_json(
      R"({"n": null, "i": 7, "f": 2, "s": "t", "b": false, "big": 4294967296, "neg": -1})", "x");
  EXPECT_EQ(json->get_or("n", 3), 3);
  EXPECT_EQ(json->get_or("missing", std::string("d")), "d");
  EXPECT_EQ(json->get_or("i", 3), 7);
  EXPECT_EQ(json->get_or("f", 0.5), 2.0);
  EXPECT_EQ(json->get_or("s", std::string("d")), "t");
  EXPECT_FALSE(json->get_or("b", true));
  EXPECT_EQ(json->get_or("big", std::int64_t{0}), 4294967296);
  expect_parts(error_of(ErrorKind::kBadData, [&] { (void)json->get_or("big", 0); }), "\"big\"",
               "out of range");
  expect_parts(error_of(ErrorKind::kBadData, [&] { (void)json->get_or("neg", 1U); }), "\"neg\"",
               "not negative");
  expect_parts(error_of(ErrorKind::kBadData, [&] { (void)json->get_or("s", 3); }), "\"s\"");
}

TEST(Json, RefusesAKeyThatAppearsTwiceAndSaysWhere) {
  //                                      0123456789012345
  const std::string text = refusal("{\"a\": 1, \"a\": 2}");
  expect_parts(text, "[json] DIR/x.json", "the key \"a\" appears twice", "at byte 12 (line 1)");
  expect_parts(refusal(R"({"o": {"\u0061": 1, "b": 2, "a": 3}})"), "\"a\" appears twice");
  EXPECT_NO_THROW(parse_json(R"([{"a": 1}, {"a": 1}])", "x"));
}

TEST(Json, RefusesWhatTheStandardRefusesWithTheByteOffset) {
  expect_parts(refusal("{\"a\": 1,\n \"b\": nul}"), "DIR/x.json", "not valid JSON", "(line 2)",
               "at byte 18");
  expect_parts(refusal("[1, 2"), "at byte 5");
  expect_parts(refusal(""), "at byte 0");
  expect_parts(refusal("[1] x"), "at byte 4");
  for (const char* text : {"[1,]", "{\"a\"}", "[01]", "[+1]", "[.5]", "[1.]", "['a']", "[NaN]",
                           "[Infinity]", "[\"\x01\"]", "[\"\\x\"]", "[\"\\ud800\"]", "// c\n1",
                           "{a: 1}", "[1 2]", "nulll", "[\"open]", "\"\t\""}) {
    expect_parts(refusal(text), "DIR/x.json", "at byte ");
  }
}

TEST(Json, RefusesWhatTheParserWouldLetPass) {
  expect_parts(refusal("\xEF\xBB\xBF{}"), "byte order mark", "at byte 0");
  expect_parts(refusal(std::string_view("{}\0evil", 7)), "NUL byte", "at byte 2");
  expect_parts(refusal("[1e999]"), "at byte ");
}

TEST(Json, RefusesInvalidUtf8WithoutRepeatingIt) {
  for (const char* text : {"[\"\xFF\"]", "[\"\xC0\x80\"]", "[\"\xED\xA0\x80\"]",
                           "[\"\xF4\x90\x80\x80\"]", "[\"\xE2\x82\"]"}) {
    const std::string message = refusal(text);
    expect_parts(message, "UTF-8", "at byte ");
    for (const char c : message) EXPECT_LT(static_cast<unsigned char>(c), 0x80) << message;
  }
}

TEST(Json, HoldsItsLimits) {
  const std::string deep = std::string(64, '[') + std::string(64, ']');
  EXPECT_NO_THROW(parse_json(deep, "x"));
  expect_parts(refusal("[" + deep + "]"), "nested more than 64 deep", "at byte 65");
  expect_parts(refusal(std::string(1'000'000, '[')), "nested more than 64 deep");
  expect_parts(refusal("[1,2,3]", {.max_values = 3}), "more than 3 values");
  EXPECT_NO_THROW(parse_json("[1,2,3]", "x", {.max_values = 4}));
  expect_parts(refusal("[1,2,3]", {.max_bytes = 6}), "7 bytes of JSON, more than the 6");
}

TEST(Json, ReadsFilesUpToTheLimit) {
  const testing::TemporaryDirectory folder;
  testing::write_raw(folder / "a.json", "{\"n\": 5}");
  const JsonDocument json = read_json_file(folder / "a.json", {.max_bytes = 8});
  EXPECT_EQ(json.root().at("n").as_int(), 5);
  expect_parts(
      error_of(ErrorKind::kBadData, [&] { read_json_file(folder / "a.json", {.max_bytes = 7}); }),
      (folder / "a.json").string(), "8 bytes long, at most 7");
  expect_parts(error_of(ErrorKind::kNoInput, [&] { read_json_file(folder / "b.json"); }),
               (folder / "b.json").string(), "no such file");
}

TEST(Json, SurvivesSeededDamage) {
  const std::string valid =
      R"({"a": [1, -2, 3.5e-7, 18446744073709551615], "b": {"c": "\ud83d\ude00\n", "d": null},)"
      "\n \"\xC3\xA9\": [true, false, [], {}]}";
  EXPECT_NO_THROW(parse_json(valid, "x"));
  const int refused = testing::survive_damage(
      valid, 5000, [](const std::string& bytes) { parse_json(bytes, "x"); });
  EXPECT_GT(refused, 2500);
  EXPECT_LT(refused, 5000);
}

}  // namespace
}  // namespace patchbay
