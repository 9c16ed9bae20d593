// Names of models, and of files, that may and may not be.
#include "patchbay/hub/model_name.h"

#include <gtest/gtest.h>

#include <set>

#include "patchbay/base/error.h"
#include "patchbay/hub/repository.h"
#include "tests/hub/hub_testing.h"
#include "tests/support/temporary_directory.h"

namespace patchbay {
namespace {

using hub::read_model_id;
using testing::error_of;
using testing::expect_parts;
using testing::TemporaryDirectory;
using testing::write_raw;

TEST(HubModelName, ShortNamesStandForRepositories) {
  for (const char* text : {"gpt2", "GPT2", "openai-community/gpt2"}) {
    const auto model = read_model_id(text);
    ASSERT_TRUE(model) << text;
    EXPECT_EQ(model->id, "openai-community/gpt2");
    EXPECT_EQ(model->old_id, "gpt2");
    EXPECT_EQ(model->name, "gpt2");
    EXPECT_EQ(model->revision, "main");
  }
  EXPECT_EQ(read_model_id("smollm2-135m-instruct")->id, "HuggingFaceTB/SmolLM2-135M-Instruct");
  EXPECT_EQ(read_model_id("distilgpt2@v1.0")->revision, "v1.0");
  EXPECT_EQ(read_model_id("org/name@refs/pr/1")->revision, "refs/pr/1");
  EXPECT_EQ(read_model_id("org/name")->name, "org/name");
}

TEST(HubModelName, KnownNamesAreUniqueAndWellFormed) {
  std::set<std::string_view> names;
  for (const hub::KnownModel& model : hub::known_models()) {
    EXPECT_TRUE(names.insert(model.name).second) << model.name;
    EXPECT_TRUE(hub::is_repository_id(model.id)) << model.id;
    EXPECT_EQ(read_model_id(model.name)->id, model.id);
  }
}

TEST(HubModelName, WhatCouldLeadOutOfTheCacheIsNoName) {
  for (const char* text : {"",     "/",      "a/",   "/a",       "..",    "../a", "a/..", "a/b/c",
                           ".a",   "a/.b",   "a--b", "a b",      "a\nb",  "a\\b", "a/b@", "a@../b",
                           "a@/b", "a@b//c", "a@.b", "a@b/../c", "a%2fb", "-a",   "a-"}) {
    EXPECT_FALSE(read_model_id(text)) << text;
  }
  EXPECT_FALSE(read_model_id(std::string(300, 'a')));
  EXPECT_FALSE(read_model_id("a@" + std::string(300, 'a')));
  EXPECT_FALSE(read_model_id(std::string_view("a\0b", 3)));
}

TEST(HubModelName, AModelToPullHasTheRevisionThatIsAskedFor) {
  EXPECT_EQ(hub::model_to_pull("gpt2").revision, "main");
  EXPECT_EQ(hub::model_to_pull("gpt2@v1").revision, "v1");
  const hub::ModelId model = hub::model_to_pull("gpt2", "refs/pr/1");
  EXPECT_EQ(model.id, "openai-community/gpt2");
  EXPECT_EQ(model.revision, "refs/pr/1");
}

TEST(HubModelName, CommitsAreFortySmallDigits) {
  EXPECT_TRUE(hub::is_commit(testing::kCommit));
  EXPECT_FALSE(hub::is_commit("main"));
  EXPECT_FALSE(hub::is_commit(testing::kCommit.substr(1)));
  EXPECT_FALSE(hub::is_commit(std::string(40, 'A')));
}

TEST(HubRepository, FileNamesStayInTheFolder) {
  for (const char* name : {"config.json", "a/b/c.txt", "..a", "a..b", "é.json", " "}) {
    EXPECT_TRUE(hub::is_safe_file_name(name)) << name;
  }
  for (const char* name :
       {"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\\b", "c:a", "a\n"}) {
    EXPECT_FALSE(hub::is_safe_file_name(name)) << name;
  }
  EXPECT_FALSE(hub::is_safe_file_name(std::string(256, 'a')));
}

std::vector<std::string> chosen(const std::vector<std::string>& names) {
  hub::Repository repository;
  for (const std::string& name : names) repository.files.push_back({name, 1});
  std::vector<std::string> result;
  for (const hub::RepositoryFile& file :
       hub::choose_files(repository, *read_model_id("org/name"))) {
    result.push_back(file.name);
  }
  return result;
}

TEST(HubRepository, ChoosesWhatMakesAModel) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(chosen({"README.md", "model.safetensors", "pytorch_model.bin", "tokenizer.json",
                    "vocab.json", "merges.txt", "config.json"}),
            (Names{"config.json", "tokenizer.json", "model.safetensors"}));
  EXPECT_EQ(chosen({"config.json", "model.safetensors.index.json", "vocab.json", "merges.txt",
                    "generation_config.json", "tokenizer_config.json", "x.safetensors"}),
            (Names{"config.json", "generation_config.json", "tokenizer_config.json", "vocab.json",
                   "merges.txt", "model.safetensors.index.json"}));
  EXPECT_EQ(chosen({"config.json", "model.safetensors", "vocab.json"}),
            (Names{"config.json", "model.safetensors"}));
  const auto error = [](const std::vector<std::string>& names) {
    return error_of(ErrorKind::kBadData, [&] { chosen(names); });
  };
  expect_parts(error({"config.json", "pytorch_model.bin"}), "pickles", "org/name", "FOLDER");
  expect_parts(error({"config.json", "a.gguf"}), "GGUF");
  expect_parts(error({"config.json"}), "no model.safetensors");
  expect_parts(error({"model.safetensors"}), "no config.json");
}

TEST(HubRepository, ShardsAreNamedOnceAndPlainly) {
  const TemporaryDirectory folder;
  write_raw(
      folder / "index.json",
      R"({"weight_map": {"a": "2.safetensors", "b": "1.safetensors", "c": "2.safetensors"}})");
  EXPECT_EQ(hub::read_shard_names(folder / "index.json"),
            (std::vector<std::string>{"1.safetensors", "2.safetensors"}));
  for (const char* name : {"../1.safetensors", "a/1.safetensors", "/1.safetensors", "1.bin", ""}) {
    write_raw(folder / "index.json", R"({"weight_map": {"a": ")" + std::string(name) + "\"}}");
    expect_parts(
        error_of(ErrorKind::kBadData, [&] { hub::read_shard_names(folder / "index.json"); }),
        "weight_map.a", "own folder");
  }
}

}  // namespace
}  // namespace patchbay
