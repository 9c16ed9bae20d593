// safetensors files: what is read, rule by rule what is refused, and what is written.
#include "patchbay/io/safetensors.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "tests/io/io_testing.h"
#include "tests/support/temporary_directory.h"

namespace patchbay {
namespace {

using testing::error_of;
using testing::expect_parts;
using testing::read_raw;
using testing::TemporaryDirectory;
using testing::write_raw;

std::string file_bytes(std::uint64_t length, std::string_view rest) {
  std::string bytes(sizeof(length), '\0');
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes.append(rest);
}

std::string file_bytes(std::string_view header, std::size_t data_bytes) {
  return file_bytes(header.size(), std::string(header) + std::string(data_bytes, '\0'));
}

template <typename T>
std::string raw(std::initializer_list<T> values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), std::data(values), bytes.size());
  return bytes;
}

// The error for a file of these bytes, which must name the file.
std::string refusal(std::string_view bytes) {
  const TemporaryDirectory folder;
  const auto path = folder / "bad.safetensors";
  write_raw(path, bytes);
  const std::string text = error_of(ErrorKind::kBadData, [&] { SafetensorsFile::open(path); });
  expect_parts(text, "[safetensors] " + path.string() + ": ");
  return text;
}

std::string refusal(std::string_view header, std::size_t data_bytes) {
  return refusal(file_bytes(header, data_bytes));
}

TEST(Safetensors, ReadsEveryFloatingPointTypeAsFloats) {
  const TemporaryDirectory folder;
  const std::string header = R"({"d":{"dtype":"F64","shape":[1,2],"data_offsets":[0,16]},)"
                             R"("f":{"dtype":"F32","shape":[2],"data_offsets":[16,24]},)"
                             R"("h":{"dtype":"F16","shape":[2],"data_offsets":[24,28]},)"
                             R"("b":{"dtype":"BF16","shape":[2],"data_offsets":[28,32]}}   )";
  write_raw(folder / "a", file_bytes(header.size(), header + raw<double>({0.1, -1e-300}) +
                                                        raw<float>({1.5F, -0.0F}) +
                                                        raw<std::uint16_t>({0x0001, 0xFC00}) +
                                                        raw<std::uint16_t>({0x3F80, 0x8000})));
  const SafetensorsFile file = SafetensorsFile::open(folder / "a");
  ASSERT_EQ(file.tensors().size(), 4U);
  EXPECT_EQ(file.tensors()[0].name, "d");
  EXPECT_EQ(file.read("d").shape(), (Shape{1, 2}));
  EXPECT_EQ(file.read("d")(0, 0), 0.1F);
  EXPECT_TRUE(std::signbit(file.read("d")(0, 1)));
  EXPECT_EQ(file.read_doubles("d"), (std::vector<double>{0.1, -1e-300}));
  EXPECT_EQ(file.read("f")(0), 1.5F);
  EXPECT_TRUE(std::signbit(file.read("f")(1)));
  EXPECT_EQ(file.read_doubles("f")[0], 1.5);
  EXPECT_EQ(file.read("h")(0), std::ldexp(1.0F, -24));
  EXPECT_EQ(file.read("h")(1), -std::numeric_limits<float>::infinity());
  EXPECT_EQ(file.read_doubles("h")[0], std::ldexp(1.0, -24));
  EXPECT_EQ(file.read("b")(0), 1.0F);
  EXPECT_EQ(file.read_doubles("b")[0], 1.0);
}

TEST(Safetensors, ReadsIntegersAndScalarsAndEmptyTensors) {
  const TemporaryDirectory folder;
  const std::string header = R"({"l":{"dtype":"I64","shape":[2],"data_offsets":[4,20]},)"
                             R"("i":{"dtype":"I32","shape":[],"data_offsets":[0,4]},)"
                             R"("e":{"dtype":"F32","shape":[0,7],"data_offsets":[20,20]}})";
  write_raw(folder / "a", file_bytes(header.size(), header + raw<std::int32_t>({-5}) +
                                                        raw<std::int64_t>({1LL << 60, -1})));
  const SafetensorsFile file = SafetensorsFile::open(folder / "a");
  EXPECT_EQ(file.tensors()[0].name, "i") << "in the order of the data, not of the header";
  EXPECT_EQ(file.read_integers("l"), (std::vector<std::int64_t>{1LL << 60, -1}));
  EXPECT_EQ(file.read_integers("i"), (std::vector<std::int64_t>{-5}));
  EXPECT_EQ(file.read("e").shape(), (Shape{0, 7}));
  expect_parts(error_of(ErrorKind::kBadData, [&] { (void)file.read("l"); }), "tensor \"l\"",
               "has I64 elements at byte " + std::to_string(8 + header.size() + 4));
  expect_parts(error_of(ErrorKind::kBadData, [&] { (void)file.read_integers("e"); }), "F32");
  expect_parts(error_of(ErrorKind::kBadData, [&] { (void)file.read_doubles("i"); }), "I32");
}

TEST(Safetensors, NamesTheNearestTensorWhenOneIsMissing) {
  const TemporaryDirectory folder;
  const Tensor tensor({2, 3});
  write_safetensors(folder / "a", std::vector<NamedTensor>{{"h.0.attn.bias", tensor}});
  const SafetensorsFile file = SafetensorsFile::open(folder / "a");
  expect_parts(error_of(ErrorKind::kBadData, [&] { (void)file.read("h.0.atn.bias"); }),
               (folder / "a").string(), "tensor \"h.0.atn.bias\" is missing",
               "did you mean \"h.0.attn.bias\"?");
  Tensor other({3, 2});
  expect_parts(error_of(ErrorKind::kBadData, [&] { file.read_into("h.0.attn.bias", other); }),
               "has the shape [2, 3], but [3, 2] is needed");
}

TEST(Safetensors, RefusesFilesShorterThanTheirLength) {
  expect_parts(refusal("1234567"), "7 bytes long", "first 8 bytes");
  expect_parts(refusal(""), "0 bytes long");
}

TEST(Safetensors, RefusesHeaderLengthsBeyondTheLimitWithoutAllocating) {
  for (const std::uint64_t length :
       {std::uint64_t{100'000'001}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    expect_parts(refusal(file_bytes(length, "{}")), "byte 0", std::to_string(length),
                 "more than the 100000000 allowed");
  }
}

TEST(Safetensors, RefusesHeadersThatReachBeyondTheFile) {
  expect_parts(refusal(file_bytes(3, "{}")), "a header of 3 bytes, but only 2 follow");
  expect_parts(refusal(file_bytes(100'000'000, "{}")), "only 2 follow");
}

TEST(Safetensors, RefusesHeadersThatAreNoObject) {
  expect_parts(refusal(file_bytes(0, "{}")), "byte 8 does not start with '{'");
  expect_parts(refusal(" {}", 0), "byte 8 does not start with '{'");
  expect_parts(refusal("[]", 0), "byte 8 does not start with '{'");
}

TEST(Safetensors, AllowsSpacesAfterTheHeaderAndNothingElse) {
  const TemporaryDirectory folder;
  write_raw(folder / "a", file_bytes("{}     ", 0));
  EXPECT_TRUE(SafetensorsFile::open(folder / "a").tensors().empty());
  expect_parts(refusal("{}\n", 0), "0x0a at byte 10");
  expect_parts(refusal(std::string_view("{}\0", 3), 0), "0x00 at byte 10");
  expect_parts(refusal("{}}", 0), "at byte 10");
}

TEST(Safetensors, RefusesDamagedJsonWithTheByteInTheFile) {
  expect_parts(refusal("{\"a\":}", 0), "not valid JSON", "at byte 13");
  expect_parts(refusal("{\"\xFF\":{}}", 0), "UTF-8", "at byte 10");
  expect_parts(refusal("{\"a\":" + std::string(100000, '[') + "}", 0), "nested more than 8 deep");
}

TEST(Safetensors, RefusesNamesThatAppearTwice) {
  const std::string entry = R"("x":{"dtype":"U8","shape":[],"data_offsets":[0,1]})";
  expect_parts(refusal("{" + entry + "," + entry + "}", 1), "the key \"x\" appears twice",
               "at byte " + std::to_string(8 + 1 + entry.size() + 1 + 3));
}

TEST(Safetensors, RefusesMetadataThatIsNoMapOfStrings) {
  expect_parts(refusal(R"({"__metadata__":{"a":1}})", 0), "object of strings", "header entry 0");
  expect_parts(refusal(R"({"__metadata__":"a"})", 0), "object of strings");
}

TEST(Safetensors, RefusesEntriesWithoutExactlyTheThreeFields) {
  const std::string good = R"("x":{"dtype":"U8","shape":[],"data_offsets":[0,1]},)";
  const auto entry = [&](std::string_view fields) {
    return refusal("{" + good + "\"y\":" + std::string(fields) + "}", 2);
  };
  expect_parts(entry(R"({"shape":[],"data_offsets":[1,2]})"), "tensor \"y\" has no dtype",
               "header entry 1");
  expect_parts(entry(R"({"dtype":"U8","data_offsets":[1,2]})"), "has no shape", "header entry 1");
  expect_parts(entry(R"({"dtype":"U8","shape":[]})"), "has no data_offsets", "header entry 1");
  expect_parts(entry(R"({"dtype":"U8","shape":[],"data_offsets":[1,2],"x":0})"),
               "has the unknown key \"x\"", "header entry 1");
  expect_parts(entry("3"), "not described by an object", "header entry 1");
  expect_parts(entry(R"({"dtype":"U8","shape":[],"data_offsets":[1]})"), "1 data_offsets");
  expect_parts(entry(R"({"dtype":"F8","shape":[],"data_offsets":[1,2]})"), "unknown dtype \"F8\"");
  expect_parts(entry(R"({"dtype":8,"shape":[],"data_offsets":[1,2]})"), "not a string");
}

TEST(Safetensors, RefusesExtentsThatAreNoNaturalNumbers) {
  for (const std::string extent :
       {"-1", "1.0", "1e0", "\"1\"", "null", "[1]", "9223372036854775808", "1e400"}) {
    const std::string text =
        refusal(R"({"x":{"dtype":"U8","shape":[)" + extent + R"(],"data_offsets":[0,1]}})", 1);
    if (extent != "1e400") expect_parts(text, "tensor \"x\" has a shape", "header entry 0");
  }
  expect_parts(refusal(R"({"x":{"dtype":"U8","shape":1,"data_offsets":[0,1]}})", 1), "shape");
  expect_parts(refusal(R"({"x":{"dtype":"U8","shape":[],"data_offsets":[-1,1]}})", 1),
               "data_offsets");
}

TEST(Safetensors, RefusesShapesWhoseSizeOverflows) {
  for (const std::string shape : {"4294967296,4294967296", "9223372036854775807,8",
                                  "2305843009213693952", "4611686018427387904,4,0"}) {
    expect_parts(
        refusal(R"({"x":{"dtype":"F32","shape":[)" + shape + R"(],"data_offsets":[0,0]}})", 0),
        "tensor \"x\"", "overflows", "header entry 0");
  }
}

TEST(Safetensors, RefusesOffsetsThatDoNotFitTheShape) {
  expect_parts(refusal(R"({"x":{"dtype":"F32","shape":[2,3],"data_offsets":[0,20]}})", 20),
               "tensor \"x\" has offsets [0, 20), 20 bytes, but F32 [2, 3] needs 24 "
               "(header entry 0); the file is damaged, fetch it again");
  expect_parts(refusal(R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[2,1]}})", 2),
               "[2, 1), which end before they begin", "header entry 0");
  expect_parts(refusal(R"({"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}})", 2),
               "[0, 3), but the file holds 2 bytes of data", "header entry 0");
}

std::string two_tensors(std::string_view first, std::string_view second) {
  return R"({"x":{"dtype":"U8","shape":[4],"data_offsets":)" + std::string(first) +
         R"(},"y":{"dtype":"U8","shape":[4],"data_offsets":)" + std::string(second) + "}}";
}

TEST(Safetensors, RefusesOverlappingOffsets) {
  const std::string header = two_tensors("[0,4]", "[3,7]");
  expect_parts(refusal(header, 7), "tensor \"y\" has offsets [3, 7)", "ends at 4: an overlap",
               "at byte " + std::to_string(8 + header.size() + 3));
  expect_parts(refusal(two_tensors("[0,4]", "[0,4]"), 4), "an overlap");
}

TEST(Safetensors, RefusesGapsBetweenTensors) {
  const std::string header = two_tensors("[5,9]", "[0,4]");
  expect_parts(refusal(header, 9), "tensor \"x\" has offsets [5, 9)", "ends at 4: a gap",
               "at byte " + std::to_string(8 + header.size() + 4));
  expect_parts(refusal(two_tensors("[1,5]", "[5,9]"), 9), "ends at 0: a gap");
}

TEST(Safetensors, RefusesBytesAfterTheLastTensor) {
  const std::string header = two_tensors("[0,4]", "[4,8]");
  expect_parts(refusal(header, 9), "the tensors end at byte " + std::to_string(16 + header.size()),
               "1 bytes more");
  expect_parts(refusal("{}", 1), "1 bytes more");
}

TEST(Safetensors, RefusesTensorsWithTooManyAxesOnlyWhenTheyAreRead) {
  const TemporaryDirectory folder;
  write_raw(folder / "a",
            file_bytes(R"({"x":{"dtype":"F32","shape":[1,1,1,1,1,1],"data_offsets":[0,4]}})", 4));
  const SafetensorsFile file = SafetensorsFile::open(folder / "a");
  expect_parts(error_of(ErrorKind::kBadData, [&] { (void)file.read("x"); }), "has 6 axes");
  EXPECT_EQ(file.read_doubles("x").size(), 1U);
}

TEST(Safetensors, RefusesFiniteDoublesThatNoFloatHolds) {
  const TemporaryDirectory folder;
  const std::string header = R"({"x":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}})";
  write_raw(folder / "a", file_bytes(header.size(), header + raw<double>({1.0, 1e39})));
  const SafetensorsFile file = SafetensorsFile::open(folder / "a");
  expect_parts(error_of(ErrorKind::kBadData, [&] { (void)file.read("x"); }),
               "tensor \"x\": element 1 at byte " + std::to_string(8 + header.size() + 8), "1e+39");
}

TEST(Safetensors, NoticesAFileCutShortAfterOpening) {
  const TemporaryDirectory folder;
  const Tensor tensor({100});
  write_safetensors(folder / "a", std::vector<NamedTensor>{{"x", tensor}});
  const SafetensorsFile file = SafetensorsFile::open(folder / "a");
  std::filesystem::resize_file(folder / "a", 200);
  expect_parts(error_of(ErrorKind::kInputOutput, [&] { (void)file.read("x"); }),
               "ends at byte 200");
}

TEST(SafetensorsWriter, WritesWhatTheReaderReads) {
  const TemporaryDirectory folder;
  Tensor a({3, 5});
  for (std::int64_t i = 0; i < a.size(); ++i)
    a.flat()[static_cast<std::size_t>(i)] = 0.1F * float(i);
  Tensor b = Tensor::copy_of(a);
  const Tensor c({0, 2});
  const std::vector<NamedTensor> tensors = {
      {"z \"quoted\"", a}, {"b", b, Dtype::kF16}, {"../c", c}};
  write_safetensors(folder / "a", tensors, {{"format", "pt"}});
  const SafetensorsFile file = SafetensorsFile::open(folder / "a");
  EXPECT_EQ(file.metadata().at("format"), "pt");
  ASSERT_EQ(file.tensors().size(), 3U);
  EXPECT_EQ(file.tensors()[0].name, "z \"quoted\"");
  const Tensor read = file.read("z \"quoted\"");
  EXPECT_EQ(std::memcmp(read.data(), a.data(), 15 * sizeof(float)), 0);
  EXPECT_EQ(file.find("b")->dtype, Dtype::kF16);
  EXPECT_NEAR(file.read("b")(2, 4), 1.4F, 0.001F);
  EXPECT_EQ(file.read("../c").shape(), (Shape{0, 2}));
}

TEST(SafetensorsWriter, WritesTheSameBytesEveryTimeWithAlignedData) {
  const TemporaryDirectory folder;
  Tensor x({2});
  x(0) = 1.0F;
  write_safetensors(folder / "a", std::vector<NamedTensor>{{"x", x}});
  const std::string header = R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}  )";
  ASSERT_EQ(header.size() % 8, 0U);
  EXPECT_EQ(read_raw(folder / "a"), file_bytes(header.size(), header + raw<float>({1.0F, 0.0F})));
}

TEST(SafetensorsWriter, RefusesWhatItCannotWriteAndLeavesNoFile) {
  const TemporaryDirectory folder;
  Tensor x({40000});
  x(39999) = -65520.0F;
  const auto refused = [&](const std::vector<NamedTensor>& tensors) {
    return error_of(ErrorKind::kUsage, [&] { write_safetensors(folder / "a", tensors); });
  };
  expect_parts(refused({{"x", x}, {"x", x}}), "two tensors are called \"x\"");
  expect_parts(refused({{"__metadata__", x}}), "__metadata__");
  expect_parts(refused({{"x", x, Dtype::kBF16}}), "\"x\"", "BF16");
  expect_parts(refused({{"y", x}, {"x", x, Dtype::kF16}}), (folder / "a").string(), "tensor \"x\"",
               "-65520 at index 39999");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  x(39999) = std::numeric_limits<float>::infinity();
  EXPECT_NO_THROW(write_safetensors(folder / "a", std::vector<NamedTensor>{{"x", x, Dtype::kF16}}));
}

TEST(Safetensors, SurvivesSeededDamage) {
  const TemporaryDirectory folder;
  const Tensor a({2, 3});
  const Tensor b({4});
  const std::vector<NamedTensor> tensors = {{"h.0.weight", a}, {"h.0.bias", b, Dtype::kF16}};
  write_safetensors(folder / "valid", tensors, {{"format", "pt"}});
  const auto path = folder / "damaged";
  const int refused =
      testing::survive_damage(read_raw(folder / "valid"), 4000, [&](const std::string& bytes) {
        write_raw(path, bytes);
        const SafetensorsFile file = SafetensorsFile::open(path);
        for (const TensorInfo& info : file.tensors()) {
          if (info.dtype == Dtype::kF32 || info.dtype == Dtype::kF16) (void)file.read(info.name);
        }
      });
  EXPECT_GT(refused, 2000);
  EXPECT_LT(refused, 4000);
}

}  // namespace
}  // namespace patchbay
