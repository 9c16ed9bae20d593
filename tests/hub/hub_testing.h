// What the tests of patchbay/hub share: an environment of their own and a cache with a model in it.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "patchbay/hub/cache.h"
#include "patchbay/hub/environment.h"
#include "tests/io/io_testing.h"

namespace patchbay::testing {

inline const std::string kCommit = "0123456789abcdef0123456789abcdef01234567";
inline const std::string kOtherCommit = "89abcdef0123456789abcdef0123456789abcdef";

/// An environment of these variables alone.
inline hub::Environment environment_of(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

/// Settings whose cache and shipped models are below the folder.
inline hub::Settings settings_below(const std::filesystem::path& folder) {
  hub::Settings settings;
  settings.cache = folder / "hub";
  settings.endpoint = "https://huggingface.co";
  settings.token_file = folder / "token";
  settings.model_folders = {folder / "first", folder / "second"};
  return settings;
}

/// Puts models--ORG--NAME into the cache, as huggingface_hub does, with files of made-up content.
inline std::filesystem::path put_in_cache(const std::filesystem::path& cache, const std::string& id,
                                          const std::string& commit, const std::string& ref,
                                          const std::vector<std::string>& files = {
                                              "config.json", "model.safetensors"}) {
  namespace fs = std::filesystem;
  const fs::path repository = cache / hub::repository_folder(id);
  const fs::path snapshot = repository / "snapshots" / commit;
  fs::create_directories(snapshot);
  fs::create_directories(repository / "blobs");
  for (const std::string& file : files) {
    write_raw(repository / "blobs" / ("of-" + file), file);
    fs::create_symlink("../../blobs/of-" + file, snapshot / file);
  }
  if (!ref.empty()) {
    fs::create_directories((repository / "refs" / ref).parent_path());
    write_raw(repository / "refs" / ref, commit);
  }
  return snapshot;
}

/// A folder that a shipped model would have.
inline std::filesystem::path put_shipped(const std::filesystem::path& folder,
                                         const std::string& name) {
  std::filesystem::create_directories(folder / name);
  write_raw(folder / name / "config.json", "{}");
  return folder / name;
}

}  // namespace patchbay::testing
