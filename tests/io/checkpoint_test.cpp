// Checkpoints of one file or several, and what an index may not say.
#include "patchbay/io/checkpoint.h"

#include <gtest/gtest.h>

#include "tests/io/io_testing.h"
#include "tests/support/temporary_directory.h"

namespace patchbay {
namespace {

using testing::error_of;
using testing::expect_parts;
using testing::TemporaryDirectory;
using testing::write_raw;

constexpr std::string_view kIndex = "model.safetensors.index.json";

void write_one(const std::filesystem::path& path, const std::string& name, float value) {
  Tensor tensor({2});
  tensor(0) = value;
  write_safetensors(path, std::vector<NamedTensor>{{name, tensor}});
}

void write_index(const TemporaryDirectory& folder, std::string_view weight_map) {
  write_raw(folder / kIndex,
            R"({"metadata": {"total_size": 16}, "weight_map": )" + std::string(weight_map) + "}");
}

std::string refusal(const std::filesystem::path& path, ErrorKind kind = ErrorKind::kBadData) {
  return error_of(kind, [&] { open_checkpoint(path); });
}

TEST(Checkpoint, OpensAFileOrTheFolderThatHoldsIt) {
  const TemporaryDirectory folder;
  write_one(folder / "model.safetensors", "x", 3.0F);
  for (const auto& path : {folder.path(), folder / "model.safetensors"}) {
    const Checkpoint checkpoint = open_checkpoint(path);
    EXPECT_EQ(checkpoint.names(), std::vector<std::string>{"x"});
    EXPECT_EQ(checkpoint.read("x")(0), 3.0F);
  }
}

TEST(Checkpoint, JoinsTheFilesOfAnIndex) {
  const TemporaryDirectory folder;
  write_one(folder / "model-1.safetensors", "b", 1.0F);
  write_one(folder / "model-2.safetensors", "a", 2.0F);
  write_index(folder, R"({"b": "model-1.safetensors", "a": "model-2.safetensors"})");
  for (const auto& path : {folder.path(), folder / kIndex}) {
    const Checkpoint checkpoint = open_checkpoint(path);
    EXPECT_EQ(checkpoint.files().size(), 2U);
    EXPECT_EQ(checkpoint.names(), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(checkpoint.read_doubles("a")[0], 2.0);
    Tensor out({2});
    checkpoint.read_into("b", out);
    EXPECT_EQ(out(0), 1.0F);
    EXPECT_EQ(checkpoint.find("c"), nullptr);
    expect_parts(error_of(ErrorKind::kBadData, [&] { (void)checkpoint.read("c"); }), path.string(),
                 "tensor \"c\" is missing");
  }
}

TEST(Checkpoint, RefusesFileNamesThatLeadOutOfTheFolder) {
  const TemporaryDirectory folder;
  std::filesystem::create_directory(folder / "inner");
  write_one(folder / "secret.safetensors", "x", 1.0F);
  for (const std::string name :
       {"../secret.safetensors", "/etc/x.safetensors", "a\\\\b.safetensors", "inner/x.safetensors",
        "", ".safetensors", "..safetensors", "x.bin", "x\\u0000.safetensors", "."}) {
    write_raw(folder / "inner/i.index.json", R"({"weight_map": {"x": ")" + name + R"("}})");
    expect_parts(refusal(folder / "inner/i.index.json"), (folder / "inner/i.index.json").string(),
                 "\"weight_map.x\"", "must name a .safetensors file in the index's own folder");
  }
}

TEST(Checkpoint, RefusesAnIndexThatIsWrongAboutItsFiles) {
  const TemporaryDirectory folder;
  write_one(folder / "m1.safetensors", "x", 1.0F);
  write_one(folder / "m2.safetensors", "y", 2.0F);
  write_index(folder, R"({"x": "m1.safetensors", "y": "m1.safetensors"})");
  expect_parts(refusal(folder.path()), "\"weight_map.y\"", "\"m1.safetensors\"", "no such tensor");
  write_index(folder, R"({"x": "m3.safetensors"})");
  expect_parts(refusal(folder.path(), ErrorKind::kNoInput), (folder / "m3.safetensors").string());
  write_index(folder, "{}");
  expect_parts(refusal(folder.path()), "\"weight_map\"", "names no tensors");
  write_index(folder, R"({"x": 1})");
  expect_parts(refusal(folder.path()), "\"weight_map.x\" must be a string");
  write_raw(folder / kIndex, "{}");
  expect_parts(refusal(folder.path()), "no key \"weight_map\"");
}

TEST(Checkpoint, TakesNoOtherJsonForAnIndex) {
  const TemporaryDirectory folder;
  write_one(folder / "model.safetensors", "x", 1.0F);
  for (const char* name : {"config.json", "index.json", "model.index.json.json"}) {
    write_raw(folder / name, R"({"weight_map": {"x": "model.safetensors"}})");
    expect_parts(refusal(folder / name, ErrorKind::kNoInput), (folder / name).string(),
                 "is not the index of a checkpoint", "name the folder or the .safetensors file");
  }
  expect_parts(refusal(folder / "other.json", ErrorKind::kNoInput), "no such file or folder");
}

TEST(Checkpoint, RefusesOneNameInTwoFiles) {
  const TemporaryDirectory folder;
  write_one(folder / "m1.safetensors", "x", 1.0F);
  const Tensor tensor({1});
  write_safetensors(folder / "m2.safetensors",
                    std::vector<NamedTensor>{{"x", tensor}, {"y", tensor}});
  write_index(folder, R"({"x": "m1.safetensors", "y": "m2.safetensors"})");
  expect_parts(refusal(folder.path()), (folder / "m2.safetensors").string(), "tensor \"x\" is in",
               (folder / "m1.safetensors").string());
}

TEST(Checkpoint, ExplainsWhatToDoWithPickles) {
  const TemporaryDirectory folder;
  write_raw(folder / "pytorch_model.bin", "x");
  for (const auto& path : {folder.path(), folder / "pytorch_model.bin"}) {
    expect_parts(refusal(path, ErrorKind::kNoInput), (folder / "pytorch_model.bin").string(),
                 "is a pickle", "save_pretrained(folder, safe_serialization=True)");
  }
}

TEST(Checkpoint, SaysWhatAFolderShouldHold) {
  const TemporaryDirectory folder;
  expect_parts(refusal(folder.path(), ErrorKind::kNoInput), folder.path().string(),
               "neither model.safetensors nor");
  expect_parts(refusal(folder / "none", ErrorKind::kNoInput), "no such file or folder");
  write_raw(folder / "notes.txt", "x");
  expect_parts(refusal(folder / "notes.txt", ErrorKind::kNoInput), "not a .safetensors file");
}

}  // namespace
}  // namespace patchbay
