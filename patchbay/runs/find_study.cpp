#include "patchbay/runs/find_study.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <system_error>
#include <vector>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/hub/find_model.h"
#include "patchbay/hub/shipped.h"

namespace patchbay::runs {

std::map<std::string, std::filesystem::path> shipped_studies() {
  std::vector<std::filesystem::path> folders;
  for (const std::filesystem::path& models : hub::shipped_model_folders()) {
    folders.push_back(models.parent_path() / "studies");
  }
  return list_studies(folders);
}

Study find_study(const std::string& name) {
  const auto shipped = shipped_studies();
  if (const auto found = shipped.find(name); found != shipped.end()) {
    return read_study(found->second);
  }
  if (name.ends_with(".toml") || name.find('/') != std::string::npos) {
    Study study = read_study(name);
    const std::filesystem::path file = name;
    study.name = file.filename().string();
    const std::filesystem::path beside = file.parent_path() / study.model;
    std::error_code ignored;
    if (hub::is_path(study.model) || std::filesystem::exists(beside, ignored)) {
      study.model = beside.string();
    }
    return study;
  }
  std::vector<std::string> names;
  for (const auto& [known, path] : shipped) names.push_back(known);
  throw Error(ErrorKind::kNoInput, "study",
              fmt::format("there is no study \"{}\"{}; there are {}, and files that end in .toml",
                          name, did_you_mean(name, names), fmt::join(names, ", ")));
}

}  // namespace patchbay::runs
