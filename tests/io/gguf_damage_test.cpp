// GGUF files with damage at every byte, and the golden files with one broken rule each.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "patchbay/io/gguf.h"
#include "patchbay/io/json.h"
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
using testing::gguf_strings;
using testing::gguf_tensor;
using testing::GgufBuilder;
using testing::TemporaryDirectory;
using testing::u32;
using testing::write_raw;

// A file that uses every rule, and ends with its last tensor.
std::string small_valid_file() {
  std::string blocks(2 * 34, '\x11');
  blocks.resize(96);
  return GgufBuilder{
      .entries = {gguf_entry("general.architecture", testing::kString, gguf_string("golden")),
                  gguf_entry("general.alignment", testing::kUint32, u32(16)),
                  gguf_entry("flag", testing::kBool, "\x01"),
                  gguf_array("ids", testing::kInt32, 3, u32(1) + u32(2) + u32(3)),
                  gguf_strings("tokens", {"a", "", "Ġthe"})},
      .tensors = {gguf_tensor("blk.0.weight", {32, 2}, 8), gguf_tensor("bias", {4}, 0, 80)},
      .data = blocks,
      .alignment = 16}
      .bytes();
}

void read_everything(const std::filesystem::path& path) {
  const GgufFile file = GgufFile::open(path);
  for (const GgufTensor& tensor : file.tensors()) {
    if (tensor.type != GgmlType::kI8 && tensor.type != GgmlType::kI16 &&
        tensor.type != GgmlType::kI32 && tensor.type != GgmlType::kI64) {
      (void)file.read(tensor.name);
    }
  }
  for (const GgufValue& value : file.metadata().values()) (void)value.type_label();
}

TEST(GgufDamage, EveryPrefixOfAFileIsRefused) {
  const TemporaryDirectory folder;
  const std::string valid = small_valid_file();
  write_raw(folder / "a", valid);
  EXPECT_NO_THROW(read_everything(folder / "a"));
  for (std::size_t length = 0; length < valid.size(); ++length) {
    write_raw(folder / "a", valid.substr(0, length));
    expect_parts(error_of(ErrorKind::kBadData, [&] { (void)GgufFile::open(folder / "a"); }),
                 "[gguf] " + (folder / "a").string() + ": ", " at byte ");
  }
}

TEST(GgufDamage, EveryFlippedBitIsReadOrRefused) {
  const TemporaryDirectory folder;
  const std::string valid = small_valid_file();
  int refused = 0;
  for (std::size_t i = 0; i < valid.size(); ++i) {
    for (const int flip : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
      std::string bytes = valid;
      bytes[i] = static_cast<char>(bytes[i] ^ flip);
      write_raw(folder / "a", bytes);
      try {
        read_everything(folder / "a");
      } catch (const Error& error) {
        ++refused;
        EXPECT_EQ(error.kind(), ErrorKind::kBadData) << error.what();
      }
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(GgufDamage, SurvivesSeededDamage) {
  const TemporaryDirectory folder;
  const int refused =
      testing::survive_damage(small_valid_file(), 4000, [&](const std::string& bytes) {
        write_raw(folder / "a", bytes);
        read_everything(folder / "a");
      });
  EXPECT_GT(refused, 2000);
  EXPECT_LT(refused, 4000);
}

TEST(GgufDamage, EveryGoldenFileIsRefusedWithTheRuleOfTheManifest) {
  const auto folder = std::filesystem::path(PATCHBAY_GOLDEN_DIR) / "gguf" / "malformed";
  const JsonDocument manifest = read_json_file(folder / "manifest.json");
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".gguf") files.insert(entry.path().stem().string());
  }
  EXPECT_EQ(files.size(), manifest->members().size());
  for (const JsonMember& member : manifest->members()) {
    EXPECT_EQ(files.count(member.key), 1U) << member.key;
    const auto path = folder / (member.key + ".gguf");
    const std::string text = error_of(ErrorKind::kBadData, [&] { (void)GgufFile::open(path); });
    expect_parts(text, "[gguf] " + path.string() + ": ", member.value.as_string(), " at byte ");
  }
}

}  // namespace
}  // namespace patchbay
