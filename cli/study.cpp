// The studies that come with patchbay, and those in files.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <map>

#include "cli/commands.h"
#include "cli/find_study.h"
#include "cli/output.h"
#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/base/version.h"
#include "patchbay/hub/shipped.h"

namespace patchbay::cli {
namespace {

// studies/ beside each folder of shipped models.
std::map<std::string, std::filesystem::path> shipped_studies() {
  std::vector<std::filesystem::path> folders;
  for (const std::filesystem::path& models : hub::shipped_model_folders()) {
    folders.push_back(models.parent_path() / "studies");
  }
  return list_studies(folders);
}

}  // namespace

Study find_study(const std::string& name) {
  const auto shipped = shipped_studies();
  if (const auto found = shipped.find(name); found != shipped.end()) {
    return read_study(found->second);
  }
  if (name.ends_with(".toml") || name.find('/') != std::string::npos) {
    Study study = read_study(name);
    study.name = std::filesystem::path(name).filename().string();
    return study;
  }
  std::vector<std::string> names;
  for (const auto& [known, path] : shipped) names.push_back(known);
  throw Error(ErrorKind::kNoInput, "study",
              fmt::format("there is no study \"{}\"{}; there are {}, and files that end in .toml",
                          name, did_you_mean(name, names), fmt::join(names, ", ")));
}

int run(const ListStudies& command) {
  const auto studies = shipped_studies();
  if (command.common.json) {
    JsonWriter json;
    json.begin_object().member("patchbay", std::string_view(kVersion)).key("studies").begin_array();
    for (const auto& [name, path] : studies) {
      const Study study = read_study(path);
      json.begin_object().member("name", name).member("title", study.title).end_object();
    }
    write_output(json.end_array().end_object().take());
    return 0;
  }
  Table table({{"study"}, {"task"}, {"what"}});
  for (const auto& [name, path] : studies) {
    const Study study = read_study(path);
    table.add({name, study.task, study.title});
  }
  write_output(table.str());
  return 0;
}

}  // namespace patchbay::cli
