// Names lead to folders in the promised order, and to advice where they lead nowhere.
#include "patchbay/hub/find_model.h"

#include <gtest/gtest.h>

#include "patchbay/hub/load_model.h"
#include "patchbay/hub/verify.h"
#include "tests/hub/hub_testing.h"
#include "tests/support/temporary_directory.h"

namespace patchbay {
namespace {

namespace fs = std::filesystem;
using hub::find_model;
using hub::ModelSource;
using hub::verify_model;
using testing::error_of;
using testing::expect_parts;
using testing::kCommit;
using testing::kOtherCommit;
using testing::put_in_cache;
using testing::put_shipped;
using testing::settings_below;
using testing::TemporaryDirectory;
using testing::write_raw;

TEST(FindModel, WhatExistsIsTakenAsItIs) {
  const TemporaryDirectory folder;
  const auto settings = settings_below(folder.path());
  fs::create_directories(folder / "model");
  write_raw(folder / "model/a.safetensors", "");
  for (const char* name : {"model", "model/a.safetensors"}) {
    const auto found = find_model((folder / name).string(), settings);
    EXPECT_EQ(found.path, folder / name);
    EXPECT_EQ(found.source, ModelSource::kPath);
    EXPECT_EQ(found.name, "");
  }
}

TEST(FindModel, AFolderHereIsTakenBeforeANameOfTheHub) {
  const TemporaryDirectory folder;
  const auto settings = settings_below(folder.path());
  put_in_cache(settings.cache, "openai-community/gpt2", kCommit, "main");
  fs::create_directories(folder / "gpt2");
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  EXPECT_EQ(find_model("gpt2", settings).source, ModelSource::kPath);
  fs::current_path(before);
  EXPECT_EQ(find_model("gpt2", settings).source, ModelSource::kCache);
}

TEST(FindModel, ShippedModelsComeFromTheFirstFolderThatHasThem) {
  const TemporaryDirectory folder;
  const auto settings = settings_below(folder.path());
  const fs::path second = put_shipped(folder / "second", "ioi-small");
  EXPECT_EQ(find_model("ioi-small", settings).path, second);
  const fs::path first = put_shipped(folder / "first", "ioi-small");
  const auto found = find_model("ioi-small", settings);
  EXPECT_EQ(found.path, first);
  EXPECT_EQ(found.name, "ioi-small");
  EXPECT_EQ(found.source, ModelSource::kShipped);
  // A model that comes with patchbay is never hidden by the cache.
  put_in_cache(settings.cache, "ioi-small", kCommit, "main");
  EXPECT_EQ(find_model("ioi-small", settings).source, ModelSource::kShipped);
}

TEST(FindModel, TheCacheKnowsShortNamesAndIds) {
  const TemporaryDirectory folder;
  const auto settings = settings_below(folder.path());
  const fs::path gpt2 = put_in_cache(settings.cache, "openai-community/gpt2", kCommit, "main");
  put_in_cache(settings.cache, "org/name", kOtherCommit, "v1");
  for (const char* name : {"gpt2", "GPT2", "openai-community/gpt2", "gpt2@main"}) {
    const auto found = find_model(name, settings);
    EXPECT_EQ(found.path, gpt2) << name;
    EXPECT_EQ(found.name, "gpt2");
    EXPECT_EQ(found.commit, kCommit);
    EXPECT_EQ(found.id, "openai-community/gpt2");
  }
  EXPECT_EQ(find_model("org/name@v1", settings).name, "org/name");
}

TEST(FindModel, WhatIsNowhereIsToldWhereItWasLookedForAndHowToGetIt) {
  const TemporaryDirectory folder;
  const auto settings = settings_below(folder.path());
  put_shipped(folder / "first", "ioi-small");
  put_in_cache(settings.cache, "org/name", kCommit, "main");
  const auto error = [&](const std::string& name) {
    return error_of(ErrorKind::kNoInput, [&] { find_model(name, settings); });
  };
  expect_parts(error("gpt2"), "[model] gpt2 (openai-community/gpt2)", settings.cache.string(),
               "`patchbay model pull gpt2` downloads it");
  expect_parts(error("ioi-smal"), "did you mean \"ioi-small\"?", "patchbay model list");
  expect_parts(error("gpt-2"), "did you mean \"gpt2\"?");
  expect_parts(error("org/nam"), "did you mean \"org/name\"?", "patchbay model pull org/nam");
  expect_parts(error("org/name@v2"), "patchbay model pull org/name@v2");
  for (const char* path : {"", "./gpt2", "/gpt2", "gpt2/", "a/b/c", "gpt2.safetensors", "gpt2.gguf",
                           "~/gpt2", "../gpt2", "a b"}) {
    expect_parts(error(path), "no such folder or file");
  }
}

TEST(FindModel, APartInTheCacheIsToldFromAModel) {
  const TemporaryDirectory folder;
  const auto settings = settings_below(folder.path());
  const fs::path part =
      put_in_cache(settings.cache, "org/name", kCommit, "main", {"config.json", "tokenizer.json"});
  expect_parts(error_of(ErrorKind::kNoInput, [&] { find_model("org/name", settings); }),
               "a part of it only", part.string(), "patchbay model pull org/name");
  fs::create_symlink("../../blobs/gone", part / "model.safetensors");
  error_of(ErrorKind::kNoInput, [&] { find_model("org/name", settings); });
}

TEST(LoadModel, AModelByNameHasThatName) {
  const RunContext ctx({.threads = 1});
  const TemporaryDirectory folder;
  const auto settings = settings_below(folder.path());
  const fs::path snapshot = put_in_cache(settings.cache, "openai-community/gpt2", kCommit, "main");
  const fs::path golden = fs::path(PATCHBAY_GOLDEN_DIR) / "tiny-gpt2";
  for (const char* name : {"config.json", "model.safetensors"}) {
    fs::copy_file(golden / name, snapshot / name, fs::copy_options::overwrite_existing);
  }
  const HookedTransformer model = hub::load_model(ctx, "gpt2", settings);
  EXPECT_EQ(model.cfg().model_name, "gpt2");
  EXPECT_FALSE(model.has_tokenizer());
  EXPECT_EQ(hub::load_model(ctx, golden.string(), settings).cfg().model_name, "tiny-gpt2");
}

TEST(VerifyModel, AModelWithoutDigestsIsCheckedByItsStructure) {
  const RunContext ctx({.threads = 1});
  const TemporaryDirectory folder;
  const fs::path golden = fs::path(PATCHBAY_GOLDEN_DIR) / "tiny-gpt2";
  for (const char* name : {"config.json", "model.safetensors", "tokenizer.json"}) {
    fs::copy_file(golden / name, folder / name);
  }
  const auto verify = [&] { return verify_model(ctx, {.path = folder.path(), .name = ""}); };
  const hub::Verification whole = verify();
  EXPECT_TRUE(whole.good()) << whole.structure_problem;
  EXPECT_GT(whole.n_tensors, 0);
  ASSERT_EQ(whole.files.size(), 3U);
  for (const hub::FileCheck& check : whole.files) {
    EXPECT_EQ(check.state, hub::FileCheck::State::kUnknown) << check.file;
  }
  fs::resize_file(folder / "model.safetensors", fs::file_size(folder / "model.safetensors") - 1);
  EXPECT_FALSE(verify().good());
  expect_parts(verify().structure_problem, "model.safetensors");
}

TEST(VerifyModel, ACopyInASnapshotIsComparedWithItsBlob) {
  const RunContext ctx({.threads = 1});
  const TemporaryDirectory folder;
  const auto settings = settings_below(folder.path());
  const fs::path snapshot = put_in_cache(settings.cache, "org/name", kCommit, "main", {});
  const fs::path blobs = settings.cache / "models--org--name/blobs";
  write_raw(snapshot / "a", "hello\n");
  write_raw(blobs / "ce013625030ba8dba906f756967f9e9ca394464a", "hello\n");
  write_raw(snapshot / "b", "unknown");
  const auto result =
      verify_model(ctx, {.path = snapshot, .name = "org/name", .source = ModelSource::kCache});
  ASSERT_EQ(result.files.size(), 2U);
  EXPECT_EQ(result.files[0].state, hub::FileCheck::State::kGood);
  EXPECT_EQ(result.files[1].state, hub::FileCheck::State::kUnknown);
  EXPECT_FALSE(result.good()) << "there is no config.json";
}

}  // namespace
}  // namespace patchbay
