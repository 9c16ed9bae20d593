// Damaged GGUF files: one test a rule, the golden files of the same rules, and damage at every
// byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "patchbay/io/gguf.h"
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
using testing::kArray;
using testing::kBool;
using testing::kString;
using testing::kUint32;
using testing::kUint64;
using testing::TemporaryDirectory;
using testing::u32;
using testing::u64;
using testing::write_raw;

constexpr std::uint64_t kMax = ~std::uint64_t{0};

// The error for a file of these bytes, without its path.
std::string refusal(const std::string& bytes) {
  const TemporaryDirectory folder;
  write_raw(folder / "a", bytes);
  const std::string text =
      error_of(ErrorKind::kBadData, [&] { (void)GgufFile::open(folder / "a"); });
  const std::string start = "[gguf] " + (folder / "a").string() + ": ";
  EXPECT_TRUE(text.starts_with(start)) << text;
  return text.substr(std::min(start.size(), text.size()));
}

std::string entry_refusal(const std::string& entry) {
  return refusal(GgufBuilder{.entries = {entry}}.bytes());
}

std::string tensor_refusal(const std::string& tensor, std::size_t data_bytes = 32) {
  return refusal(GgufBuilder{.tensors = {tensor}, .data = std::string(data_bytes, '\0')}.bytes());
}

std::string second_tensor_refusal(const std::string& second) {
  return refusal(
      GgufBuilder{.tensors = {gguf_tensor("x", {8}), second}, .data = std::string(64, '\0')}
          .bytes());
}

std::string alignment_refusal(std::uint32_t type, const std::string& value) {
  return refusal(GgufBuilder{.entries = {gguf_entry("general.alignment", type, value)},
                             .tensors = {gguf_tensor("x", {8})},
                             .data = std::string(32, '\0')}
                     .bytes());
}

TEST(GgufMalformed, WrongMagic) {
  expect_parts(refusal("GGML" + GgufBuilder{}.bytes().substr(4)),
               "the file begins with 0x4c4d4747, not with \"GGUF\", at byte 0; is it a GGUF file?");
  EXPECT_EQ(refusal("GGUF"),
            "the file is 4 bytes long, but its first 24 bytes are the magic number, version and "
            "counts, at byte 0; the file is damaged, fetch it again");
}

TEST(GgufMalformed, UnsupportedVersions) {
  for (const std::uint32_t version : {0U, 1U, 4U, 0x00010002U}) {
    expect_parts(refusal(GgufBuilder{.version = version}.bytes()),
                 "the file has the version " + std::to_string(version) +
                     ", but 2 and 3 are supported, at byte 4; ");
  }
}

TEST(GgufMalformed, BigEndian) {
  expect_parts(refusal(GgufBuilder{.version = 0x03000000}.bytes()),
               "the file is big endian, which is not supported, at byte 4; convert it");
}

TEST(GgufMalformed, CountOfMetadataBeyondTheFile) {
  const std::string entry = gguf_entry("k", kUint32, u32(1));
  for (const std::uint64_t count : {std::uint64_t{1} << 63, kMax, kMax / 14, std::uint64_t{2}}) {
    expect_parts(refusal(GgufBuilder{.entries = {entry}, .n_entries = count}.bytes()),
                 "the file promises " + std::to_string(count) +
                     " metadata entries of at least 14 bytes, but only 17 bytes follow at byte 16");
  }
}

TEST(GgufMalformed, CountOfTensorsBeyondTheFile) {
  for (const std::uint64_t count : {std::uint64_t{1} << 63, kMax, kMax / 33, std::uint64_t{1}}) {
    expect_parts(refusal(GgufBuilder{.n_tensors = count}.bytes()),
                 "the file promises " + std::to_string(count) +
                     " tensors of at least 33 bytes, but only 8 bytes follow at byte 8");
  }
}

TEST(GgufMalformed, CountsBeyondAnyModel) {
  const std::string padding(40 << 20, '\0');  // enough for either number
  expect_parts(
      refusal(GgufBuilder{.data = padding, .n_entries = 131073}.bytes()),
      "the file promises 131073 metadata entries, more than the 131072 allowed, at byte 16");
  expect_parts(refusal(GgufBuilder{.data = padding, .n_tensors = 131073}.bytes()),
               "the file promises 131073 tensors, more than the 131072 allowed, at byte 8");
}

TEST(GgufMalformed, CountsLargerThanWhatIsThere) {
  GgufBuilder builder{.tensors = {gguf_tensor("x", {8})}, .data = std::string(32, '\0')};
  builder.n_tensors = 2;
  expect_parts(refusal(builder.bytes()), "the name of tensor 1 is empty at byte 57");
  builder.n_tensors = 1;
  builder.n_entries = 1;
  expect_parts(refusal(builder.bytes()), "the name of tensor 0 is empty at byte 38");
}

TEST(GgufMalformed, StringsLongerThanTheFile) {
  for (const std::uint64_t length : {kMax, std::uint64_t{1} << 63, std::uint64_t{4}}) {
    expect_parts(entry_refusal(gguf_entry("k", kString, u64(length) + "abc")),
                 "the metadata \"k\" is " + std::to_string(length) +
                     " bytes long, but only 3 follow at byte 37");
    const std::uint64_t key_length = std::max<std::uint64_t>(length, 8);
    expect_parts(entry_refusal(u64(key_length) + "abc" + u32(0)),
                 "the key of metadata entry 0 is " + std::to_string(key_length) +
                     " bytes long, but only 7 follow at byte 24");
  }
}

TEST(GgufMalformed, KeysThatAreNoNames) {
  expect_parts(entry_refusal(gguf_entry("", kUint32, u32(1))),
               "the key of metadata entry 0 is empty at byte 24");
  for (const char* key : {"\xFF", "a\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE4\xB8"}) {
    expect_parts(entry_refusal(gguf_entry(key, kUint32, u32(1))),
                 "the key of metadata entry 0 is not UTF-8 at byte 24");
  }
  expect_parts(entry_refusal(gguf_entry(std::string(65536, 'k'), kUint32, u32(1))),
               "is 65536 bytes long, more than the 65535 allowed at byte 24");
}

TEST(GgufMalformed, AKeyTwice) {
  const std::string entry = gguf_entry("k", kUint32, u32(1));
  expect_parts(refusal(GgufBuilder{.entries = {entry, entry}}.bytes()),
               "the metadata \"k\" appears twice, the second time at byte 41");
}

TEST(GgufMalformed, ValuesOfUnknownTypes) {
  for (const std::uint32_t type : {13U, 0xFFFFFFFFU}) {
    expect_parts(entry_refusal(gguf_entry("k", type, u64(0))),
                 "the metadata \"k\" has the unknown type " + std::to_string(type) + " at byte 33");
    expect_parts(
        entry_refusal(gguf_array("k", type, 0, "")),
        "the metadata \"k\" has the unknown element type " + std::to_string(type) + " at byte 37");
  }
}

TEST(GgufMalformed, BoolsThatAreNeither) {
  expect_parts(entry_refusal(gguf_entry("k", kBool, "\x02")),
               "the metadata \"k\" has the bool 2, but a bool is 0 or 1 at byte 37");
  expect_parts(entry_refusal(gguf_array("k", kBool, 3, std::string("\x01\x00\xFF", 3))),
               "has the bool 255, but a bool is 0 or 1 at byte 51");
}

TEST(GgufMalformed, ArraysOfArrays) {
  expect_parts(entry_refusal(gguf_array("k", kArray, 1, u32(kUint32) + u64(0))),
               "the metadata \"k\" is an array of arrays, which is not supported at byte 37");
}

TEST(GgufMalformed, ArraysLongerThanTheFile) {
  // 2^61 + 1 elements of 8 bytes are 8 bytes, modulo 2^64.
  for (const std::uint64_t count : {kMax, (std::uint64_t{1} << 61) + 1, std::uint64_t{2}}) {
    for (const std::uint32_t type : {kUint64, kString}) {
      expect_parts(entry_refusal(gguf_array("k", type, count, u64(0))),
                   "the metadata \"k\" has " + std::to_string(count) +
                       " elements of at least 8 bytes, but only 8 bytes follow at byte 41");
    }
  }
  expect_parts(entry_refusal(gguf_array("k", kString, 1, u64(9) + "abc")),
               "a string of the metadata \"k\" is 9 bytes long, but only 3 follow at byte 49");
}

TEST(GgufMalformed, HeadersBeyondTheLimit) {
  const std::string large(65 << 20, '\0');
  expect_parts(entry_refusal(gguf_array("k", 0, large.size(), large)),
               "elements of at least 1 bytes, but only 67108815 bytes are allowed at byte 41");
  expect_parts(entry_refusal(gguf_entry("k", kString, gguf_string(large))),
               "is 68157440 bytes long, more than the 67108864 allowed at byte 37");
  const std::string limit(64 << 20, '\0');
  expect_parts(entry_refusal(gguf_entry("k", kString, gguf_string(limit))),
               "the header would be longer than the 67108864 allowed at byte 45");
}

TEST(GgufMalformed, AlignmentsThatAreNone) {
  for (const std::uint32_t alignment : {0U, 1U, 4U, 12U, 33U, 131072U, 0x80000000U, 0xFFFFFFFFU}) {
    expect_parts(alignment_refusal(kUint32, u32(alignment)),
                 "the metadata \"general.alignment\" is " + std::to_string(alignment) +
                     ", but must be a power of two from 8 to 65536, at byte 49");
  }
  expect_parts(
      alignment_refusal(kUint64, u64(32)),
      "the metadata \"general.alignment\" has the type UINT64, but must be UINT32, at byte 49");
  expect_parts(alignment_refusal(kArray, u32(kUint32) + u64(1) + u32(32)),
               "has the type array of UINT32, but must be UINT32");
  expect_parts(alignment_refusal(kString, gguf_string("32")),
               "has the type STRING, but must be UINT32");
}

TEST(GgufMalformed, TensorNamesThatAreNoNames) {
  expect_parts(tensor_refusal(gguf_tensor("", {8})), "the name of tensor 0 is empty at byte 24");
  expect_parts(tensor_refusal(gguf_tensor("\xFF", {8})),
               "the name of tensor 0 is not UTF-8 at byte 24");
  expect_parts(tensor_refusal(gguf_tensor(std::string(65, 'n'), {8})),
               "the name of tensor 0 is 65 bytes long, more than the 64 allowed at byte 24");
}

TEST(GgufMalformed, ATensorTwice) {
  expect_parts(second_tensor_refusal(gguf_tensor("x", {8}, 0, 32)),
               "tensor \"x\" appears twice, the second time at byte 57");
}

TEST(GgufMalformed, NumbersOfAxes) {
  expect_parts(tensor_refusal(gguf_tensor("x", {})),
               "tensor \"x\" has 0 axes, but must have 1 to 4, at byte 33");
  expect_parts(tensor_refusal(gguf_tensor("x", {8, 1, 1, 1, 1})),
               "tensor \"x\" has 5 axes, but must have 1 to 4, at byte 33");
  expect_parts(tensor_refusal(gguf_string("x") + u32(0xFFFFFFFF) + std::string(32, '\x01')),
               "tensor \"x\" has 4294967295 axes");
}

TEST(GgufMalformed, AxesWithoutElements) {
  expect_parts(tensor_refusal(gguf_tensor("x", {8, 0})),
               "tensor \"x\" has an axis of 0 elements, but must have 1 to 2^63 - 1, at byte 45");
  for (const std::uint64_t extent : {std::uint64_t{1} << 63, kMax}) {
    expect_parts(tensor_refusal(gguf_tensor("x", {extent})), "at byte 37",
                 "tensor \"x\" has an axis of " + std::to_string(extent) + " elements");
  }
}

TEST(GgufMalformed, ShapesWhoseSizeOverflows) {
  constexpr std::uint64_t k1 = 1;
  // Modulo 2^64 these are 0, 4, 0 and 2^63 elements, or few bytes.
  expect_parts(tensor_refusal(gguf_tensor("x", {k1 << 32, k1 << 32})),
               "tensor \"x\" has the shape [4294967296, 4294967296], whose size overflows, at byte "
               "33");
  expect_parts(tensor_refusal(gguf_tensor("x", {(k1 << 62) + 1, 4})), "whose size overflows");
  expect_parts(tensor_refusal(gguf_tensor("x", {k1 << 62, 4, 8, 1})), "whose size overflows");
  expect_parts(tensor_refusal(gguf_tensor("x", {k1 << 62})), "whose size overflows");
  expect_parts(tensor_refusal(gguf_tensor("x", {(k1 << 60)})), "whose size overflows");
}

TEST(GgufMalformed, RowsThatAreNoWholeBlocks) {
  expect_parts(tensor_refusal(gguf_tensor("x", {33, 32}, 2)),
               "tensor \"x\" has rows of 33 elements, but Q4_0 has blocks of 32, at byte 53");
  expect_parts(tensor_refusal(gguf_tensor("x", {32}, 12)), "but Q4_K has blocks of 256");
}

TEST(GgufMalformed, UnknownAndUnsupportedTypes) {
  expect_parts(tensor_refusal(gguf_tensor("x", {8}, 99)),
               "tensor \"x\" has the type 99, which is not supported, at byte 45");
  expect_parts(tensor_refusal(gguf_tensor("x", {8}, 4)), "has the type 4, which is not supported");
  expect_parts(tensor_refusal(gguf_tensor("x", {256}, 10)),
               "has the type Q2_K (10), which is not supported, at byte 45; convert it");
  expect_parts(tensor_refusal(gguf_tensor("x", {8}, 0xFFFFFFFF)), "the type 4294967295");
}

TEST(GgufMalformed, MisalignedOffsets) {
  for (const std::uint64_t offset : {std::uint64_t{33}, std::uint64_t{16}, kMax, kMax - 30}) {
    expect_parts(second_tensor_refusal(gguf_tensor("y", {8}, 0, offset)),
                 "tensor \"y\" has the offset " + std::to_string(offset) +
                     ", which is not a multiple of the alignment 32, at byte 82");
  }
}

TEST(GgufMalformed, OverlappingTensors) {
  expect_parts(second_tensor_refusal(gguf_tensor("y", {8}, 0, 0)),
               "tensor \"y\" has the offset 0, but the data before it ends at 32 and is padded to "
               "32: an overlap at byte 82");
}

TEST(GgufMalformed, GapsBetweenTensorsAndOffsetsThatWrap) {
  for (const std::uint64_t offset : {std::uint64_t{64}, std::uint64_t{1} << 63, kMax - 31}) {
    expect_parts(second_tensor_refusal(gguf_tensor("y", {8}, 0, offset)),
                 "tensor \"y\" has the offset " + std::to_string(offset) +
                     ", but the data before it ends at 32 and is padded to 32: a gap at byte 82");
  }
  expect_parts(tensor_refusal(gguf_tensor("x", {8}, 0, 32), 64),
               "but the data before it ends at 0 and is padded to 0: a gap at byte 49");
}

TEST(GgufMalformed, SizesWhoseSumWraps) {
  // Each is a quarter of 2^63 bytes; eight of them are 0 bytes, modulo 2^64.
  constexpr std::uint64_t kElements = std::uint64_t{1} << 59;
  GgufBuilder builder{.data = std::string(64, '\0')};
  for (std::uint64_t i = 0; i < 8; ++i) {
    builder.tensors.push_back(
        gguf_tensor("x" + std::to_string(i), {kElements}, 0, i * 4 * kElements));
  }
  expect_parts(refusal(builder.bytes()),
               "tensor \"x0\" has 2305843009213693952 bytes from the offset 0 on, but the whole "
               "file has only");
}

TEST(GgufMalformed, DataThatEndsTooEarly) {
  GgufBuilder builder{.tensors = {gguf_tensor("x", {8}), gguf_tensor("y", {8}, 0, 32)}};
  for (const std::size_t bytes : {0, 1, 32, 63}) {
    builder.data = std::string(bytes, '\0');
    expect_parts(
        refusal(builder.bytes()),
        "tensor \"y\" ends at byte 160, but the file ends at byte " + std::to_string(96 + bytes));
  }
}

TEST(GgufMalformed, BytesAfterTheLastTensor) {
  expect_parts(tensor_refusal(gguf_tensor("x", {8}), 33),
               "1 bytes follow the last tensor, which ends at byte 96");
  expect_parts(tensor_refusal(gguf_tensor("x", {7}), 33),
               "5 bytes follow the last tensor, which ends at byte 92");
  expect_parts(refusal(GgufBuilder{.data = std::string(9, '\0')}.bytes()),
               "9 bytes follow the last tensor, which ends at byte 24");
}

}  // namespace
}  // namespace patchbay
