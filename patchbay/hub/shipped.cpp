// Models that come with patchbay.
#include "patchbay/hub/shipped.h"

#include <map>
#include <system_error>

namespace patchbay::hub {

std::vector<std::filesystem::path> shipped_model_folders() {
  std::vector<std::filesystem::path> folders;
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    folders.push_back((program.parent_path() / PATCHBAY_MODELS_FROM_PROGRAM).lexically_normal());
  }
  for (const std::filesystem::path folder : {PATCHBAY_INSTALLED_MODELS, PATCHBAY_SOURCE_MODELS}) {
    if (folders.empty() || folders.front() != folder) folders.push_back(folder);
  }
  return folders;
}

std::vector<ShippedModel> list_shipped(const std::vector<std::filesystem::path>& folders) {
  std::map<std::string, std::filesystem::path> found;
  for (const std::filesystem::path& folder : folders) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      if (std::filesystem::is_regular_file(entry.path() / "config.json", error)) {
        found.try_emplace(entry.path().filename().string(), entry.path());
      }
    }
  }
  std::vector<ShippedModel> models;
  for (const auto& [name, folder] : found) models.push_back({name, folder});
  return models;
}

std::optional<ShippedModel> find_shipped(const std::vector<std::filesystem::path>& folders,
                                         std::string_view name) {
  if (name.empty() || name.front() == '.' || name.find('/') != std::string_view::npos) {
    return std::nullopt;
  }
  for (const std::filesystem::path& folder : folders) {
    std::error_code error;
    if (std::filesystem::is_regular_file(folder / name / "config.json", error)) {
      return ShippedModel{std::string(name), folder / name};
    }
  }
  return std::nullopt;
}

}  // namespace patchbay::hub
