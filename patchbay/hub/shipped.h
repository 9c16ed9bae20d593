// Models that come with patchbay: folders NAME with a config.json in one of a few places.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patchbay::hub {

/// share/patchbay/models beside the running program's bin, where patchbay was configured to be
/// installed, and models/ of the source tree it was built from, in this order.
std::vector<std::filesystem::path> shipped_model_folders();

/// A model in one of the folders.
struct ShippedModel {
  std::string name;
  std::filesystem::path folder;
};

/// Of models with one name the first counts. Sorted by name; folders that are not there are no
/// error.
std::vector<ShippedModel> list_shipped(const std::vector<std::filesystem::path>& folders);

/// The model of that name, if it is there. A name is one part of a path, never a path.
std::optional<ShippedModel> find_shipped(const std::vector<std::filesystem::path>& folders,
                                         std::string_view name);

}  // namespace patchbay::hub
