// The models that can be named without a download.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "patchbay/hub/environment.h"
#include "patchbay/hub/find_model.h"

namespace patchbay::hub {

/// A model that is on this machine.
struct ListedModel {
  std::string name;  ///< what find_model takes: "ioi-small", "ORG/NAME", "ORG/NAME@REVISION"
  ModelSource source = ModelSource::kShipped;
  std::filesystem::path folder;
  std::uint64_t bytes = 0;          ///< how long its files are together
  bool complete = true;             ///< false for a download that ended early
  std::string id{};                 ///< the repository, of a model in the cache; else empty
  std::string commit{};             ///< of a model in the cache; else empty
  std::vector<std::string> refs{};  ///< the revisions that name the commit, of a model in the cache
};

/// Those that come with patchbay, by name, and then those in the Hugging Face cache, by id and
/// commit. Folders that are not there are empty.
std::vector<ListedModel> list_models(const Settings& settings = settings_from());

}  // namespace patchbay::hub
