#include "patchbay/runs/page_of_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "patchbay/base/error.h"
#include "patchbay/base/stop_check.h"
#include "patchbay/results/result_json.h"
#include "patchbay/results/study_result.h"
#include "patchbay/runs/files.h"
#include "patchbay/runs/study_page.h"

namespace patchbay::runs {
namespace {

// What can stand in an address and in an id.
std::string id_of(const std::filesystem::path& file) {
  std::string id = file.stem().string();
  for (char& c : id) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-';
    if (!plain) c = '_';
  }
  return id.empty() ? "result" : id;
}

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (std::filesystem::path& path : entries_of(folder)) {
    if (path.extension() != ".json" || path.filename() == "study.json") continue;
    files.push_back(std::move(path));
  }
  return files;
}

class Inputs {
 public:
  Page page() { return std::move(page_); }

  void add(const std::filesystem::path& path) {
    stop_check();
    std::error_code ignored;  // what cannot be looked at cannot be read, and is said to be so
    if (!std::filesystem::is_directory(path, ignored)) {
      add_file(path);
      return;
    }
    if (std::filesystem::exists(path / "study.json", ignored)) {
      add_study(path);
      return;
    }
    const auto files = files_in(path);
    if (files.empty()) {
      throw Error(ErrorKind::kNoInput, "report",
                  fmt::format("\"{}\" has no result files; name the folder that `out` wrote",
                              path.string()));
    }
    for (const auto& file : files) add_file(file);
  }

 private:
  void add_file(const std::filesystem::path& path) {
    EffectTable table = read_result(path).table;
    StudySection section{.id = new_id(id_of(path)),
                         .experiment = table.experiment,
                         .title = path.stem().string(),
                         .text = "",
                         .left_out = "",
                         .lists = {}};
    page_.sections.push_back({std::move(section), std::move(table)});
  }

  void add_study(const std::filesystem::path& folder) {
    StudyResult study = read_study_result(folder / "study.json");
    std::map<std::string, EffectTable> tables;
    for (StudySection& section : study.sections) {
      const std::string file = section.id;
      section.id = new_id(section.id);
      if (!section.left_out.empty()) continue;
      tables.emplace(section.id, read_result(path_in(folder.string(), file, ".json")).table);
    }
    runs::add_study(page_, study, tables);
  }

  std::string new_id(const std::string& wanted) {
    std::string id = wanted;
    for (int i = 2; !ids_.insert(id).second; ++i) id = fmt::format("{}-{}", wanted, i);
    return id;
  }

  Page page_;
  std::set<std::string> ids_;
};

}  // namespace

Page page_of_files(const std::vector<std::string>& inputs) {
  Inputs read;
  for (const std::string& input : inputs) read.add(input);
  Page page = read.page();
  if (!page.model.empty()) return page;
  for (const PageSection& part : page.sections) {
    if (part.table) page.model = part.table->provenance.model;
  }
  return page;
}

void show_effect(Page& page, EffectKind effect) {
  for (PageSection& part : page.sections) {
    if (!part.table) continue;
    if (!part.table->has_effect(effect)) {
      throw Error(
          ErrorKind::kUsage, "`effect`",
          fmt::format("{} has no effect {}; leave `effect` away, or name results that have it",
                      part.section.id, name_of(effect)));
    }
    part.table->effect = effect;
  }
}

}  // namespace patchbay::runs
