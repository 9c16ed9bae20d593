// numpy's files: the bytes that numpy writes are read and written, others are refused.
// The goldens in golden/io were written by numpy 2.4.6 with numpy.save, savez and savez_compressed.
#include "patchbay/io/npy.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>
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

const std::filesystem::path kGolden = std::filesystem::path(PATCHBAY_GOLDEN_DIR) / "io";

// What the script behind the goldens stored.
Tensor golden_floats() {
  const float values[] = {0.0F,
                          -0.0F,
                          1.5F,
                          0.1F,
                          -std::numeric_limits<float>::denorm_min(),
                          std::numeric_limits<float>::max()};
  return Tensor::copy_of(ConstTensorView(values, {2, 3}));
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(float)) == 0;
}

// A version 1.0 file with this dictionary and so many bytes of elements.
std::string npy_bytes(std::string_view header, std::size_t data_bytes) {
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xFF);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes.append(header) + std::string(data_bytes, '\0');
}

std::string refusal(std::string_view bytes) {
  const TemporaryDirectory folder;
  write_raw(folder / "bad.npy", bytes);
  const std::string text = error_of(ErrorKind::kBadData, [&] { read_npy(folder / "bad.npy"); });
  expect_parts(text, "[npy] " + (folder / "bad.npy").string() + ": ", "(byte ");
  return text;
}

TEST(Npy, ReadsWhatNumpyWrote) {
  const NpyArray floats = read_npy(kGolden / "floats.npy");
  EXPECT_FALSE(floats.is_integer);
  EXPECT_TRUE(same_bits(floats.floats, golden_floats()));
  const NpyArray integers = read_npy(kGolden / "integers.npy");
  EXPECT_TRUE(integers.is_integer);
  EXPECT_EQ(integers.shape, std::vector<std::int64_t>{4});
  EXPECT_EQ(integers.integers, (std::vector<std::int64_t>{464, 3290, -1, std::int64_t{1} << 62}));
}

TEST(Npy, WritesTheBytesThatNumpyWrites) {
  const TemporaryDirectory folder;
  write_npy(folder / "f.npy", golden_floats());
  EXPECT_EQ(read_raw(folder / "f.npy"), read_raw(kGolden / "floats.npy"));
  const std::int64_t shape[] = {4};
  const std::int64_t values[] = {464, 3290, -1, std::int64_t{1} << 62};
  write_npy(folder / "i.npy", shape, values);
  EXPECT_EQ(read_raw(folder / "i.npy"), read_raw(kGolden / "integers.npy"));
}

TEST(Npy, RoundTripsScalarsAndEmptyArrays) {
  const TemporaryDirectory folder;
  Tensor scalar((Shape()));
  scalar.data()[0] = 2.5F;
  write_npy(folder / "s.npy", scalar);
  EXPECT_TRUE(same_bits(read_npy(folder / "s.npy").floats, scalar));
  write_npy(folder / "e.npy", Tensor({0, 3}));
  EXPECT_EQ(read_npy(folder / "e.npy").shape, (std::vector<std::int64_t>{0, 3}));
}

TEST(Npy, ReadsVersionTwo) {
  const TemporaryDirectory folder;
  const std::string header = "{'shape': (1,), \"fortran_order\": False, 'descr': '<i4'}";
  std::string bytes("\x93NUMPY\x02\x00", 8);
  bytes += static_cast<char>(header.size());
  bytes += std::string(3, '\0') + header + std::string("\x05\x00\x00\x00", 4);
  write_raw(folder / "a.npy", bytes);
  EXPECT_EQ(read_npy(folder / "a.npy").integers, std::vector<std::int64_t>{5});
}

TEST(Npy, RefusesToWriteAShapeThatTheValuesDoNotFill) {
  const TemporaryDirectory folder;
  const std::int64_t shape[] = {2, 2};
  const std::int64_t values[] = {1, 2, 3};
  expect_parts(error_of(ErrorKind::kUsage, [&] { write_npy(folder / "a.npy", shape, values); }),
               (folder / "a.npy").string(), "3 values do not fill the shape (2, 2)");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Npy, RefusesOtherFilesAndVersions) {
  expect_parts(refusal("PK\x03\x04 something else"), "does not start as a .npy file", "(byte 0)");
  expect_parts(refusal("\x93NUMPY\x01"), "does not start as a .npy file");
  std::string third = npy_bytes("{}", 0);
  third[6] = 3;
  expect_parts(refusal(third), "version 3.0", "(byte 6)");
}

TEST(Npy, RefusesHeadersThatReachBeyondTheFile) {
  std::string bytes = npy_bytes("{}", 0);
  bytes[8] = 100;
  expect_parts(refusal(bytes), "a header of 100 bytes", "(byte 8)");
  bytes[6] = 2;
  expect_parts(refusal(bytes + "\xFF\xFF\xFF\xFF"), "a header of", "(byte 8)");
}

TEST(Npy, RefusesEveryDictionaryButNumpysOwn) {
  const std::string descr = "'descr': '<f4', ";
  const std::string order = "'fortran_order': False, ";
  const std::string good = "{" + descr + order + "'shape': (1,)}";
  const std::vector<std::string> headers = {
      "{}",
      "{" + order + "'shape': (1,)}",
      good.substr(0, good.size() - 1),
      good + " x",
      good + std::string(1, '\0'),
      "{" + descr + descr + order + "'shape': (1,)}",
      "{'x': 1, " + descr + order + "'shape': (1,)}",
      "{'descr': <f4, " + order + "'shape': (1,)}",
      "{'descr': '<f4, " + order + "\"shape\": (1,)}",
      "{" + descr + "'fortran_order': 0, 'shape': (1,)}",
      "{" + descr + order + "'shape': (1)}",
      "{" + descr + order + "'shape': (-1,)}",
      "{" + descr + order + "'shape': (1L,)}",
      "{" + descr + order + "'shape': (9223372036854775808,)}",
      "{" + descr + order + "'shape': [1]}"};
  for (const std::string& header : headers) {
    expect_parts(refusal(npy_bytes(header, 4)), "save the array again with numpy.save");
  }
}

TEST(Npy, RefusesOtherTypesAndOrders) {
  const auto with = [](std::string_view descr, std::string_view order) {
    return refusal(npy_bytes("{'descr': " + std::string(descr) +
                                 ", 'fortran_order': " + std::string(order) + ", 'shape': (1,)}",
                             8));
  };
  expect_parts(with("'<f8'", "True"), "column order", "numpy.ascontiguousarray");
  expect_parts(with("'>f8'", "False"), "big-endian numbers (\">f8\")", "newbyteorder");
  expect_parts(with("'|O'", "False"), "Python objects");
  expect_parts(with("'<c8'", "False"), "\"<c8\"", "astype('float32')");
  expect_parts(with("[('a', '<f8')]", "False"), "holds records");
}

TEST(Npy, RefusesSizesThatDoNotFit) {
  const auto with = [](std::string_view shape, std::size_t bytes) {
    return refusal(npy_bytes(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::string(shape) + ")}", bytes));
  };
  expect_parts(with("2, 3", 20), "has 20 bytes of elements, but (2, 3) of \"<f4\" needs 24");
  expect_parts(with("2, 3", 28), "has 28 bytes of elements");
  expect_parts(with("4294967296, 4294967296", 4), "overflows");
  expect_parts(with("1, 1, 1, 1, 1, 1", 4), "has 6 axes");
}

TEST(Npz, ReadsWhatNumpyWrote) {
  const NpzFile file = NpzFile::open(kGolden / "arrays.npz");
  EXPECT_EQ(file.names(),
            (std::vector<std::string>{"blocks.0.attn.hook_pattern", "doubles", "tokens", "small"}));
  EXPECT_TRUE(same_bits(file.read("blocks.0.attn.hook_pattern").floats, golden_floats()));
  EXPECT_EQ(file.read("doubles").floats(0), 0.1F);
  EXPECT_EQ(file.read("tokens").shape, (std::vector<std::int64_t>{1, 3}));
  EXPECT_EQ(file.read("small").integers, std::vector<std::int64_t>{7});
  expect_parts(error_of(ErrorKind::kBadData, [&] { (void)file.read("token"); }), "[npz] ",
               "array \"token\" is missing", "did you mean \"tokens\"?");
}

TEST(Npz, RefusesCompressedArchivesWithAdvice) {
  expect_parts(error_of(ErrorKind::kBadData, [] { NpzFile::open(kGolden / "compressed.npz"); }),
               (kGolden / "compressed.npz").string(), "the entry \"zeros.npy\" is compressed",
               "np.savez, not np.savez_compressed", "directory entry at byte ");
}

TEST(Npz, RoundTripsAndWritesTheSameBytesEveryTime) {
  const TemporaryDirectory folder;
  const std::int64_t shape[] = {1, 2};
  const std::int64_t tokens[] = {50256, -1};
  for (const char* name : {"a.npz", "b.npz"}) {
    NpzWriter writer(folder / name);
    writer.add("blocks.0.attn.hook_pattern", golden_floats());
    writer.add("tokens", shape, tokens);
    EXPECT_FALSE(std::filesystem::exists(folder / name));
    writer.close();
  }
  EXPECT_EQ(read_raw(folder / "a.npz"), read_raw(folder / "b.npz"));
  const NpzFile file = NpzFile::open(folder / "a.npz");
  EXPECT_TRUE(same_bits(file.read("blocks.0.attn.hook_pattern").floats, golden_floats()));
  EXPECT_EQ(file.read("tokens").integers, (std::vector<std::int64_t>{50256, -1}));
}

TEST(Npz, LeavesNothingBehindWhenItIsNotClosed) {
  const TemporaryDirectory folder;
  {
    NpzWriter writer(folder / "a.npz");
    writer.add("x", golden_floats());
    for (const char* name : {"", "a/b", "..", "a\\b", "x"}) {
      expect_parts(error_of(ErrorKind::kUsage, [&] { writer.add(name, golden_floats()); }),
                   (folder / "a.npz").string(), "name");
    }
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Npz, NoticesEveryFlippedBitOfAnArray) {
  const TemporaryDirectory folder;
  const std::string valid = read_raw(kGolden / "arrays.npz");
  const InputFile golden = InputFile::open(kGolden / "arrays.npz");
  const ZipEntry entry = read_zip_directory(golden).at(2);
  for (std::uint64_t i = 0; i < entry.size; ++i) {
    std::string bytes = valid;
    bytes[entry.offset + i] = static_cast<char>(bytes[entry.offset + i] ^ (1 << (i % 8)));
    write_raw(folder / "a.npz", bytes);
    const NpzFile file = NpzFile::open(folder / "a.npz");
    expect_parts(error_of(ErrorKind::kBadData, [&] { (void)file.read("tokens"); }),
                 "\"tokens.npy\" has the checksum", "at byte " + std::to_string(entry.offset));
    EXPECT_EQ(file.read("small").integers, std::vector<std::int64_t>{7});
  }
}

TEST(Npz, SurvivesSeededDamage) {
  const TemporaryDirectory folder;
  const auto path = folder / "damaged.npz";
  const int refused = testing::survive_damage(read_raw(kGolden / "arrays.npz"), 3000,
                                              [&](const std::string& bytes) {
                                                write_raw(path, bytes);
                                                const NpzFile file = NpzFile::open(path);
                                                for (const std::string& name : file.names())
                                                  (void)file.read(name);
                                              });
  EXPECT_GT(refused, 2500);
  EXPECT_LT(refused, 3000);
}

TEST(Npy, SurvivesSeededDamage) {
  const TemporaryDirectory folder;
  const auto path = folder / "damaged.npy";
  const int refused = testing::survive_damage(read_raw(kGolden / "floats.npy"), 3000,
                                              [&](const std::string& bytes) {
                                                write_raw(path, bytes);
                                                (void)read_npy(path);
                                              });
  EXPECT_GT(refused, 1500);
  EXPECT_LT(refused, 3000);
}

}  // namespace
}  // namespace patchbay
