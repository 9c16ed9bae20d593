// Environment variables mean what they mean to huggingface_hub.
#include "patchbay/hub/environment.h"

#include <gtest/gtest.h>

#include "tests/hub/hub_testing.h"
#include "tests/support/temporary_directory.h"

namespace patchbay {
namespace {

using hub::settings_from;
using testing::environment_of;
using testing::error_of;
using testing::expect_parts;
using testing::TemporaryDirectory;
using testing::write_raw;

TEST(HubEnvironment, FindsTheCacheAsHuggingfaceHubDoes) {
  const auto cache = [](std::map<std::string, std::string> variables) {
    variables.emplace("HOME", "/home/mary");
    return settings_from(environment_of(variables)).cache.string();
  };
  EXPECT_EQ(cache({}), "/home/mary/.cache/huggingface/hub");
  EXPECT_EQ(cache({{"XDG_CACHE_HOME", "/x"}}), "/x/huggingface/hub");
  EXPECT_EQ(cache({{"XDG_CACHE_HOME", "/x"}, {"HF_HOME", "/hf"}}), "/hf/hub");
  EXPECT_EQ(cache({{"HF_HOME", "/hf"}, {"HUGGINGFACE_HUB_CACHE", "/old"}}), "/old");
  EXPECT_EQ(cache({{"HUGGINGFACE_HUB_CACHE", "/old"}, {"HF_HUB_CACHE", "/new"}}), "/new");
  EXPECT_EQ(cache({{"HF_HUB_CACHE", "~/models"}}), "/home/mary/models");
  EXPECT_EQ(cache({{"HF_HUB_CACHE", "$HOME/a/${USER}/$NOT/$"}, {"USER", "m"}}),
            "/home/mary/a/m/$NOT/$");
  EXPECT_EQ(cache({{"HF_HUB_CACHE", ""}, {"HF_HOME", ""}}), "/home/mary/.cache/huggingface/hub");
}

TEST(HubEnvironment, ReadsEndpointAndOffline) {
  EXPECT_EQ(settings_from(environment_of({})).endpoint, "https://huggingface.co");
  EXPECT_EQ(settings_from(environment_of({{"HF_ENDPOINT", "http://h:8/x//"}})).endpoint,
            "http://h:8/x");
  for (const char* value : {"1", "true", "Yes", "ON"}) {
    EXPECT_TRUE(settings_from(environment_of({{"HF_HUB_OFFLINE", value}})).offline) << value;
  }
  for (const char* value : {"0", "false", "", "2"}) {
    EXPECT_FALSE(settings_from(environment_of({{"HF_HUB_OFFLINE", value}})).offline) << value;
  }
  EXPECT_TRUE(settings_from(environment_of({{"TRANSFORMERS_OFFLINE", "1"}})).offline);
}

TEST(HubEnvironment, RefusesSecondsThatAreNone) {
  const auto stall = [](const char* value) {
    return settings_from(environment_of({{"PATCHBAY_HUB_STALL_SECONDS", value}})).stall.count();
  };
  EXPECT_EQ(stall("0.5"), 500);
  EXPECT_EQ(stall(""), 30'000);
  for (const char* value : {"0", "-1", "nan", "inf", "1e9", "2s", " 2"}) {
    expect_parts(error_of(ErrorKind::kUsage, [&] { stall(value); }), "PATCHBAY_HUB_STALL_SECONDS");
  }
}

TEST(HubEnvironment, TakesTheTokenFromTheVariableBeforeTheFile) {
  const TemporaryDirectory folder;
  write_raw(folder / "token", "  hf_file\r\n");
  const auto token = [&](std::map<std::string, std::string> variables) {
    variables.emplace("HF_HOME", folder.path().string());
    return read_token(settings_from(environment_of(variables)));
  };
  EXPECT_EQ(token({}), "hf_file");
  EXPECT_EQ(token({{"HF_TOKEN", " hf_variable\n"}}), "hf_variable");
  EXPECT_EQ(token({{"HUGGING_FACE_HUB_TOKEN", "hf_old"}}), "hf_old");
  EXPECT_EQ(token({{"HF_TOKEN_PATH", (folder / "none").string()}}), "");
  EXPECT_EQ(token({{"HF_TOKEN", "hf_x"}, {"HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"}}), "");
  const std::string error = error_of(ErrorKind::kUsage, [&] {
    token({{"HF_TOKEN", "hf_secret more"}});
  });
  EXPECT_EQ(error.find("secret"), std::string::npos) << "a token is never shown";
}

TEST(HubEnvironment, LooksIntoTheUsersModelsFirst) {
  const auto folders =
      settings_from(environment_of({{"PATCHBAY_MODELS", "~/mine"}, {"HOME", "/home/mary"}}))
          .model_folders;
  ASSERT_GE(folders.size(), 3U);
  EXPECT_EQ(folders.front(), "/home/mary/mine");
  EXPECT_TRUE(folders.back().string().ends_with("/models"));
}

}  // namespace
}  // namespace patchbay
