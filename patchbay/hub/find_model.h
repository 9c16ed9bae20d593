// From what a user calls a model to where its files are.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "patchbay/hub/environment.h"

namespace patchbay::hub {

enum class ModelSource { kPath, kShipped, kCache };

/// "path", "shipped" or "cache"
std::string_view name_of(ModelSource source);

/// Where a model is.
struct FoundModel {
  std::filesystem::path path;  ///< a folder or a file, for load_model
  std::string name;            ///< "gpt2", "ORG/NAME"; for a path what load_model calls it: empty
  ModelSource source = ModelSource::kPath;
  std::string id{};        ///< the repository, of a model in the cache; else empty
  std::string revision{};  ///< the revision that was asked for, of a model in the cache; else empty
  std::string commit{};    ///< the commit of that revision, of a model in the cache; else empty
};

/// Whether the text can only be meant as the path of a model, never as its name.
bool is_path(const std::string& text);

/// Finds a model by name, without any network:
/// 1. what exists as a file or folder is taken as it is;
/// 2. the name of a model that comes with patchbay;
/// 3. a short name (known_models) or ORG/NAME, either with @REVISION, in the Hugging Face cache.
/// Throws kNoInput when it is in none of these places, saying where it was looked for and how to
/// get it, with the nearest known name.
FoundModel find_model(const std::string& name, const Settings& settings = settings_from());

}  // namespace patchbay::hub
