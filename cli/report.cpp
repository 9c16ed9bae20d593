// patchbay report: result files as one HTML page, as pictures, or in the terminal.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "cli/commands.h"
#include "cli/experiment_run.h"
#include "cli/interruption.h"
#include "cli/output.h"
#include "cli/pictures.h"
#include "cli/provenance.h"
#include "cli/result_text.h"
#include "cli/study_page.h"
#include "patchbay/base/error.h"
#include "patchbay/report/page.h"
#include "patchbay/results/result_json.h"
#include "patchbay/results/study_result.h"

namespace patchbay::cli {
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
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::filesystem::path& path = entry.path();
    if (path.extension() == ".json" && path.filename() != "study.json") files.push_back(path);
  }
  std::ranges::sort(files);
  return files;
}

class Inputs {
 public:
  explicit Inputs(Page& page) : page_(page) {}

  void add(const std::filesystem::path& path) {
    check_interrupted();
    if (!std::filesystem::is_directory(path)) {
      add_file(path);
      return;
    }
    if (std::filesystem::exists(path / "study.json")) {
      add_study(path);
      return;
    }
    const auto files = files_in(path);
    if (files.empty()) {
      throw Error(ErrorKind::kNoInput, "report",
                  fmt::format("{} has no result files; name the folder that --out wrote",
                              quote(path.string())));
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
    patchbay::cli::add_study(page_, study, tables);
  }

  std::string new_id(const std::string& wanted) {
    std::string id = wanted;
    for (int i = 2; !ids_.insert(id).second; ++i) id = fmt::format("{}-{}", wanted, i);
    return id;
  }

  Page& page_;
  std::set<std::string> ids_;
};

// Every result by this effect, instead of its own.
void show_effect(Page& page, EffectKind effect) {
  for (PageSection& part : page.sections) {
    if (!part.table) continue;
    if (!part.table->has_effect(effect)) {
      throw Error(
          ErrorKind::kUsage, "--effect",
          fmt::format("{} has no effect {}; leave --effect away, or name results that have it",
                      part.section.id, name_of(effect)));
    }
    part.table->effect = effect;
  }
}

std::string terminal_text(const Page& page) {
  std::string text;
  for (const PageSection& part : page.sections) {
    if (!part.table) continue;
    text += fmt::format("{}\n", heading("== " + printable(part.section.title))) +
            result_text(*part.table, 10) + "\n";
  }
  return text;
}

}  // namespace

int run(const DrawReport& command) {
  check_place(command.out, command.formats);
  const auto wants = [&](std::string_view format) {
    return std::ranges::find(command.formats, format) != command.formats.end();
  };
  const bool pictures = std::ranges::any_of(command.formats, is_picture_format);
  Page page;
  Inputs inputs(page);
  for (const std::string& input : command.inputs) inputs.add(input);
  if (command.picture.circuit) page.known = known_heads(*command.picture.circuit);
  if (command.picture.title) page.title = *command.picture.title;
  if (command.picture.effect) show_effect(page, parse_effect_kind(*command.picture.effect));
  if (page.title.empty()) page.title = "patchbay results";
  std::vector<std::string> words = {"patchbay", "report"};
  words.insert(words.end(), command.inputs.begin(), command.inputs.end());
  if (page.command.empty()) page.command = shell_line(words);
  if (page.model.empty()) {
    for (const PageSection& part : page.sections) {
      if (part.table) page.model = part.table->provenance.model;
    }
  }
  const std::string out = command.out.empty() ? "." : command.out;
  for (const PageSection& part : page.sections) {
    if (!part.table || !pictures) continue;
    check_interrupted();
    const Picture picture{.table = *part.table,
                          .title = command.picture.title.value_or(part.section.title),
                          .figure = command.picture.figure,
                          .known = page.known};
    for (const auto& path : write_pictures(picture, out, part.section.id, command.formats)) {
      message(command.common, fmt::format("wrote {}", path.string()));
    }
  }
  if (wants("html")) write_page(command.common, page, out, "report");
  if (wants("text")) write_output(terminal_text(page));
  return 0;
}

}  // namespace patchbay::cli
