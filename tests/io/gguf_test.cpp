// GGUF files: values of every type, tensors of every type bit for bit as the package gguf reads
// them, and what the reader says when it is asked for something else.
#include "patchbay/io/gguf.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <thread>
#include <vector>

#include "patchbay/io/json.h"
#include "patchbay/io/quantized_blocks.h"
#include "tests/io/gguf_builder.h"
#include "tests/io/io_testing.h"
#include "tests/support/temporary_directory.h"

namespace patchbay {
namespace {

using testing::error_of;
using testing::expect_parts;
using testing::gguf_array;
using testing::gguf_entry;
using testing::gguf_string;
using testing::gguf_tensor;
using testing::GgufBuilder;
using testing::TemporaryDirectory;
using testing::u32;
using testing::u64;
using testing::write_raw;

const std::filesystem::path kGolden = std::filesystem::path(PATCHBAY_GOLDEN_DIR) / "gguf";

std::uint32_t hex(const std::string& text) {
  std::uint32_t bits = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), bits, 16);
  EXPECT_EQ(result.ptr, text.data() + text.size()) << text;
  return bits;
}

GgufFile open_bytes(const TemporaryDirectory& folder, const std::string& bytes) {
  write_raw(folder / "a.gguf", bytes);
  return GgufFile::open(folder / "a.gguf");
}

TEST(Gguf, ReadsEveryTypeBitForBitAsThePackageGgufDoes) {
  const GgufFile file = GgufFile::open(kGolden / "types.gguf");
  const JsonDocument expected = read_json_file(kGolden / "types.json");
  ASSERT_EQ(expected->members().size(), 14U);
  for (const JsonMember& member : expected->members()) {
    const Tensor tensor = file.read(member.key);
    std::vector<std::int64_t> shape;
    for (const JsonValue& extent : member.value.at("shape").items())
      shape.push_back(extent.as_int());
    EXPECT_EQ(tensor.shape(), Shape(std::span<const std::int64_t>(shape))) << member.key;
    const auto bits = member.value.at("bits").items();
    ASSERT_EQ(tensor.flat().size(), bits.size()) << member.key;
    for (std::size_t i = 0; i < bits.size(); ++i) {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(tensor.flat()[i]), hex(bits[i].as_string()))
          << member.key << " " << i;
    }
  }
}

TEST(Gguf, ListsTensorsInTheOrderOfTheFileAndNamesSorted) {
  const GgufFile file = GgufFile::open(kGolden / "types.gguf");
  EXPECT_EQ(file.version(), 3U);
  ASSERT_EQ(file.tensors().size(), 15U);
  EXPECT_EQ(file.tensors()[0].name, "F32.weight");
  EXPECT_EQ(file.names().front(), "BF16.weight");
  EXPECT_EQ(file.find("nothing"), nullptr);
  const GgufTensor& q4_k = *file.find("Q4_K.weight");
  EXPECT_EQ(q4_k.type, GgmlType::kQ4_K);
  EXPECT_EQ(q4_k.shape, (std::vector<std::int64_t>{2, 256}));
  EXPECT_EQ(q4_k.size(), 512);
  EXPECT_EQ(q4_k.end - q4_k.begin, 288U);
  EXPECT_EQ(file.find("cube.weight")->shape, (std::vector<std::int64_t>{2, 3, 4}));
}

TEST(Gguf, ReadsIntoMemoryOfTheSameShapeOnly) {
  const GgufFile file = GgufFile::open(kGolden / "types.gguf");
  Tensor right({4, 64});
  file.read_into("Q4_0.weight", right);
  const Tensor read = file.read("Q4_0.weight");
  EXPECT_EQ(std::memcmp(right.data(), read.data(), 256 * sizeof(float)), 0);
  Tensor wrong({64, 4});
  expect_parts(error_of(ErrorKind::kBadData, [&] { file.read_into("Q4_0.weight", wrong); }),
               "[gguf] " + file.path(), "tensor \"Q4_0.weight\" at byte ",
               "has the shape [4, 64], but [64, 4] is needed");
}

TEST(Gguf, NamesTheNearestTensorAndRefusesIntegersAsFloats) {
  const GgufFile file = GgufFile::open(kGolden / "types.gguf");
  expect_parts(error_of(ErrorKind::kBadData, [&] { (void)file.read("Q4_0.wieght"); }),
               "tensor \"Q4_0.wieght\" is missing; did you mean \"Q4_0.weight\"?");
  EXPECT_EQ(file.find("integers")->type, GgmlType::kI32);
  expect_parts(error_of(ErrorKind::kBadData, [&] { (void)file.read("integers"); }),
               "tensor \"integers\" has I32 elements", "floating-point numbers are needed");
}

TEST(Gguf, ReadsLargeTensorsPieceByPieceAndFromSeveralThreads) {
  const TemporaryDirectory folder;
  constexpr std::size_t kBlocks = 2500;  // several pieces, the last one shorter
  std::string data;
  for (std::size_t i = 0; i < kBlocks; ++i) {
    data += testing::raw<std::uint16_t>(0x3C00);  // 1.0
    for (std::size_t j = 0; j < 32; ++j) data += static_cast<char>((i + j) % 251 - 125);
  }
  const GgufFile file = open_bytes(
      folder, GgufBuilder{.tensors = {gguf_tensor("x", {32, kBlocks}, 8)}, .data = data}.bytes());
  const auto check = [&] {
    const Tensor x = file.read("x");
    for (std::size_t i = 0; i < kBlocks; ++i) {
      for (std::size_t j = 0; j < 32; ++j) {
        ASSERT_EQ(x.flat()[i * 32 + j],
                  static_cast<float>(static_cast<std::int8_t>((i + j) % 251 - 125)));
      }
    }
  };
  std::thread other(check);
  check();
  other.join();
}

TEST(Gguf, ReadsValuesOfEveryTypeExactly) {
  const GgufFile file = GgufFile::open(kGolden / "values.gguf");
  const GgufMetadata& values = file.metadata();
  EXPECT_EQ(values.at("general.architecture").as_string(), "golden");
  EXPECT_EQ(values.at("value.uint8").as_uint(), 255U);
  EXPECT_EQ(values.at("value.int8").as_int(), -128);
  EXPECT_EQ(values.at("value.uint16").as_int(), 65535);
  EXPECT_EQ(values.at("value.int16").as_int(), -32768);
  EXPECT_EQ(values.at("value.uint32").as_uint(), 4294967295U);
  EXPECT_EQ(values.at("value.int32").as_int(), -2147483648LL);
  EXPECT_EQ(values.at("value.uint64").as_uint(), ~std::uint64_t{0});
  EXPECT_EQ(values.at("value.int64").as_int(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(values.at("value.float32").as_float(), double{0.1F});
  EXPECT_EQ(values.at("value.float64").as_float(), 0.1);
  EXPECT_TRUE(values.at("value.true").as_bool());
  EXPECT_FALSE(values.at("value.false").as_bool());
  EXPECT_EQ(values.at("value.string").as_string(), "Grüße, 世界");
  EXPECT_EQ(values.at("value.empty").as_string(), "");
  EXPECT_EQ(values.at("general.alignment").as_uint(), 64U);
  EXPECT_EQ(file.read("x")(1), -2.0F);
}

TEST(Gguf, ReadsArraysOfEveryTypeExactly) {
  const GgufFile file = GgufFile::open(kGolden / "values.gguf");
  const GgufMetadata& values = file.metadata();
  using Ints = std::vector<std::int64_t>;
  EXPECT_EQ(values.at("array.uint8").as_ints(), (Ints{0, 255}));
  EXPECT_EQ(values.at("array.int8").as_ints(), (Ints{-128, 127}));
  EXPECT_EQ(values.at("array.uint16").as_ints(), (Ints{0, 65535}));
  EXPECT_EQ(values.at("array.int16").as_ints(), (Ints{-32768, 32767}));
  EXPECT_EQ(values.at("array.uint32").as_ints(), (Ints{0, 4294967295}));
  EXPECT_EQ(values.at("array.int32").as_ints(), (Ints{-2147483648LL, 2147483647}));
  EXPECT_EQ(values.at("array.uint64").as_uints(), (std::vector<std::uint64_t>{0, ~0ULL}));
  EXPECT_EQ(values.at("array.int64").as_ints(),
            (Ints{std::numeric_limits<std::int64_t>::min(), INT64_MAX}));
  EXPECT_EQ(values.at("array.float32").as_floats(), (std::vector<double>{double{0.1F}, -0.0}));
  EXPECT_TRUE(std::signbit(values.at("array.float64").as_floats()[1]));
  EXPECT_EQ(values.at("array.bool").as_bools(), (std::vector<bool>{true, false, true}));
  const auto strings = values.at("array.string").as_strings();
  EXPECT_EQ(std::vector<std::string>(strings.begin(), strings.end()),
            (std::vector<std::string>{"", "a", "世界"}));
  EXPECT_EQ(values.at("array.string").type_label(), "array of STRING");
  EXPECT_EQ(values.at("array.string").size(), 3U);
}

TEST(Gguf, ValuesOfAnotherTypeAreRefusedByFileKeyAndByte) {
  const GgufFile file = GgufFile::open(kGolden / "values.gguf");
  const GgufMetadata& values = file.metadata();
  const auto refusal = [&](const auto& action) { return error_of(ErrorKind::kBadData, action); };
  expect_parts(refusal([&] { (void)values.at("value.uint8").as_string(); }),
               "[gguf] " + file.path() +
                   ": the metadata \"value.uint8\" has the type UINT8, but must "
                   "be a string, at byte ");
  expect_parts(refusal([&] { (void)values.at("array.int8").as_int(); }),
               "has the type array of INT8, but must be an integer");
  expect_parts(refusal([&] { (void)values.at("value.int8").as_ints(); }),
               "has the type INT8, but must be an array of integers");
  expect_parts(refusal([&] { (void)values.at("value.int8").as_uint(); }),
               "is -128, but must not be negative");
  expect_parts(refusal([&] { (void)values.at("value.uint64").as_int(); }), "is 2^63 or more");
  expect_parts(refusal([&] { (void)values.at("value.uint8").as_float(); }),
               "must be a floating-point number");
  expect_parts(refusal([&] { (void)values.at("value.uint8").as_bool(); }), "must be a bool");
  expect_parts(refusal([&] { (void)values.at("value.unit8"); }),
               "the metadata \"value.unit8\" is missing; did you mean \"value.uint8\"?");
  EXPECT_EQ(values.find("value.unit8"), nullptr);
}

TEST(Gguf, TakesVersion2EmptyFilesAndAMissingEnd) {
  const TemporaryDirectory folder;
  EXPECT_EQ(open_bytes(folder, GgufBuilder{.version = 2}.bytes()).version(), 2U);
  const std::string entry = gguf_entry("k", testing::kUint32, u32(7));
  EXPECT_EQ(open_bytes(folder, GgufBuilder{.entries = {entry}}.bytes()).metadata().at("k").as_int(),
            7);
  // The last tensor's padding may be missing, as some writers leave it out.
  GgufBuilder builder{.tensors = {gguf_tensor("x", {1})}, .data = testing::raw(2.5F)};
  EXPECT_EQ(open_bytes(folder, builder.bytes()).read("x")(0), 2.5F);
  builder.data.resize(32);
  EXPECT_EQ(open_bytes(folder, builder.bytes()).read("x")(0), 2.5F);
}

TEST(Gguf, NoticesAFileCutShortAfterOpening) {
  const TemporaryDirectory folder;
  const GgufFile file = open_bytes(
      folder,
      GgufBuilder{.tensors = {gguf_tensor("x", {32}, 8)}, .data = std::string(34, '\0')}.bytes());
  std::filesystem::resize_file(folder / "a.gguf", 80);
  expect_parts(error_of(ErrorKind::kInputOutput, [&] { (void)file.read("x"); }), "ends at byte 80");
}

TEST(Gguf, MissingFilesAreNoInput) {
  const TemporaryDirectory folder;
  error_of(ErrorKind::kNoInput, [&] { (void)GgufFile::open(folder / "nothing.gguf"); });
}

}  // namespace
}  // namespace patchbay
