// Zip archives of stored entries: round trips, the ZIP64 form, and rule by rule what is refused.
#include "patchbay/io/zip.h"

#include <gtest/gtest.h>

#include <array>

#include "patchbay/io/zip_records.h"
#include "tests/io/io_testing.h"
#include "tests/support/temporary_directory.h"

namespace patchbay {
namespace {

using testing::error_of;
using testing::expect_parts;
using testing::read_raw;
using testing::TemporaryDirectory;
using testing::write_raw;

// Two entries, "a" with 5 bytes in two parts and "b" with 2.
std::string archive(std::uint64_t zip64_from = 0xFFFFFFFF) {
  const TemporaryDirectory folder;
  ZipWriter writer(folder / "x.zip", zip64_from);
  const auto bytes = [](std::string_view text) { return std::as_bytes(std::span(text)); };
  writer.add("a", std::array{bytes("12"), bytes("345")});
  writer.add("b", std::array{bytes("67")});
  writer.close();
  return read_raw(folder / "x.zip");
}

std::string refusal(std::string_view bytes) {
  const TemporaryDirectory folder;
  write_raw(folder / "x.zip", bytes);
  const InputFile file = InputFile::open(folder / "x.zip");
  const std::string text = error_of(ErrorKind::kBadData, [&] { read_zip_directory(file); });
  expect_parts(text, "[zip] " + file.path() + ": ", "at byte ");
  return text;
}

template <typename T>
std::string with(std::string bytes, std::size_t offset, T value) {
  std::string field;
  zip::put(field, value);
  return bytes.replace(offset, field.size(), field);
}

// Offsets in archive(): the first local header, the second, the directory's entries, the end.
constexpr std::size_t kSecond = 30 + 1 + 5;
constexpr std::size_t kDirectory = kSecond + 30 + 1 + 2;
constexpr std::size_t kDirectory2 = kDirectory + 47;
constexpr std::size_t kEndRecord = kDirectory2 + 47;

TEST(Zip, ReadsBackWhatItWroteInBothForms) {
  for (const std::uint64_t zip64_from : {0ULL, 3ULL, 40ULL, 0xFFFFFFFFULL}) {
    const TemporaryDirectory folder;
    write_raw(folder / "x.zip", archive(zip64_from));
    const InputFile file = InputFile::open(folder / "x.zip");
    const auto entries = read_zip_directory(file);
    ASSERT_EQ(entries.size(), 2U) << zip64_from;
    EXPECT_EQ(entries[0].name, "a");
    EXPECT_EQ(entries[0].size, 5U);
    EXPECT_EQ(entries[0].crc32, 0xCBF53A1CU) << "the CRC-32 of 12345";
    std::string content(5, ' ');
    file.read_at(entries[0].offset, std::as_writable_bytes(std::span(content)));
    EXPECT_EQ(content, "12345");
    EXPECT_EQ(entries[1].size, 2U);
    for (const ZipEntry& entry : entries) EXPECT_NO_THROW(check_zip_entry(file, entry));
  }
  EXPECT_EQ(archive().size(), kEndRecord + zip::kEndSize);
  EXPECT_GT(archive(3).size(), archive().size());
}

TEST(Zip, CountsMoreEntriesThan16BitsHold) {
  const TemporaryDirectory folder;
  ZipWriter writer(folder / "x.zip");
  for (int i = 0; i < 65536; ++i) writer.add(std::to_string(i), {});
  writer.close();
  EXPECT_EQ(read_zip_directory(InputFile::open(folder / "x.zip")).size(), 65536U);
}

TEST(Zip, AllowsACommentAtTheEnd) {
  const TemporaryDirectory folder;
  write_raw(folder / "x.zip", with(archive(), kEndRecord + 20, std::uint16_t{4}) + "note");
  EXPECT_EQ(read_zip_directory(InputFile::open(folder / "x.zip")).size(), 2U);
}

TEST(Zip, RefusesFilesWithoutAnEndRecord) {
  expect_parts(refusal(""), "no zip end record", "byte 0");
  expect_parts(refusal("PK"), "no zip end record", "byte 2");
  const std::string valid = archive();
  expect_parts(refusal(valid.substr(0, valid.size() - 1)), "no zip end record");
  expect_parts(refusal(valid + "x"), "no zip end record");
}

TEST(Zip, RefusesDirectoriesThatAreNotWhereTheEndRecordSays) {
  const std::string valid = archive();
  const std::string end = "byte " + std::to_string(kEndRecord);
  expect_parts(refusal(with(valid, kEndRecord + 16, std::uint32_t{0})), "directory", end);
  expect_parts(refusal(with(valid, kEndRecord + 12, std::uint32_t{0xFFFFFFF0})), "directory", end);
  expect_parts(refusal(with(valid, kEndRecord + 10, std::uint16_t{3})), "2 entries instead of 3");
  expect_parts(refusal("12345678" + valid), "directory");
  const std::string large = archive(0);
  const std::size_t locator = large.size() - zip::kEndSize - zip::kEnd64LocatorSize;
  expect_parts(refusal(with(large, locator + 8, ~std::uint64_t{0})), "locator points outside");
  expect_parts(refusal(with(large, locator + 8, std::uint64_t{0})), "no ZIP64 end record",
               "byte 0");
}

TEST(Zip, RefusesDamagedDirectoryEntries) {
  const std::string valid = archive();
  expect_parts(refusal(with(valid, kDirectory2, std::uint32_t{0})), "no directory entry",
               "byte " + std::to_string(kDirectory2));
  expect_parts(refusal(with(valid, kDirectory2 + 28, std::uint16_t{999})), "cut short",
               "byte " + std::to_string(kDirectory2));
  expect_parts(refusal(with(valid, kDirectory + 8, std::uint16_t{1})), "\"a\" is encrypted",
               "byte " + std::to_string(kDirectory));
  expect_parts(refusal(with(valid, kDirectory + 10, std::uint16_t{8})), "\"a\" is compressed");
  expect_parts(refusal(with(valid, kDirectory + 20, std::uint32_t{4})),
               "its sizes differ: 4 and 5");
}

TEST(Zip, RefusesEntriesThatAreNotWhereTheDirectorySays) {
  const std::string valid = archive();
  expect_parts(refusal(with(valid, kDirectory + 42, ~std::uint32_t{0})), "starts outside the data");
  expect_parts(refusal(with(valid, kDirectory + 42, std::uint32_t{1})), "no local header",
               "byte 1");
  expect_parts(refusal(with(valid, kSecond + 30, 'c')), "another name in its local header");
  expect_parts(refusal(with(valid, kSecond + 28, std::uint16_t{1})), "reach into the directory",
               "byte " + std::to_string(kSecond));
}

TEST(Zip, RefusesOverlappingEntriesAndNamesUsedTwice) {
  const std::string valid = archive();
  const auto longer =
      with(with(valid, kDirectory + 20, std::uint32_t{6}), kDirectory + 24, std::uint32_t{6});
  expect_parts(refusal(longer), "\"a\" and \"b\" overlap", "byte " + std::to_string(kSecond));
  const auto twice = with(with(valid, kSecond + 30, 'a'), kDirectory2 + 46, 'a');
  expect_parts(refusal(twice), "two entries are called \"a\"");
}

TEST(Zip, SurvivesSeededDamageInTheZip64Form) {
  const TemporaryDirectory folder;
  const int refused = testing::survive_damage(archive(0), 3000, [&](const std::string& bytes) {
    write_raw(folder / "x.zip", bytes);
    const InputFile file = InputFile::open(folder / "x.zip");
    for (const ZipEntry& entry : read_zip_directory(file)) check_zip_entry(file, entry);
  });
  EXPECT_GT(refused, 2000);
  EXPECT_LT(refused, 3000);
}

}  // namespace
}  // namespace patchbay
