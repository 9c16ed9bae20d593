#include "patchbay/runs/earlier_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <system_error>
#include <vector>

#include "patchbay/base/error.h"
#include "patchbay/io/file.h"
#include "patchbay/report/figure.h"
#include "patchbay/report/svg.h"
#include "patchbay/results/result_json.h"
#include "patchbay/results/study_result.h"
#include "patchbay/runs/command_line.h"
#include "patchbay/runs/files.h"
#include "patchbay/runs/spec.h"

namespace patchbay::runs {
namespace {

constexpr std::string_view kNote = ".question";
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 20;  // of a note
constexpr std::string_view kWayOut =
    "name another folder with `out`, or have it replaced with `overwrite`";

bool is_there(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

Error refusal(const std::filesystem::path& path, std::string_view why) {
  return {ErrorKind::kUsage, "`out`", fmt::format("{}: {}; {}", path.string(), why, kWayOut)};
}

std::string unreadable(std::string_view what, const Error& error) {
  return fmt::format("is there and cannot be read as a {} ({})", what, error.what());
}

bool has(std::span<const std::string> formats, std::string_view format) {
  return std::ranges::find(formats, format) != formats.end();
}

// The files of a result that are there, but for the JSON file and the note.
std::vector<std::filesystem::path> others_of(const std::string& folder, const std::string& stem) {
  std::vector<std::filesystem::path> names;
  for (const char* table : {".csv", ".effects.csv", ".npz", ".dot"}) {
    names.push_back(path_in(folder, stem, table));
  }
  for (const figures::Figure* figure : figures::all()) {
    for (const char* picture : {"svg", "png", "pdf"}) {
      names.push_back(path_in(folder, stem, fmt::format(".{}.{}", figure->name, picture)));
    }
  }
  std::erase_if(names, [](const auto& path) { return !is_there(path); });
  return names;
}

struct Earlier {
  std::filesystem::path path;  // a file of the result
  Question question;
};

// What is there of a result. Throws kUsage where nothing that can be read tells the question.
std::optional<Earlier> earlier(const std::string& folder, const std::string& stem) {
  const std::filesystem::path json = path_in(folder, stem, ".json");
  const std::filesystem::path note = path_in(folder, stem, kNote);
  const auto others = others_of(folder, stem);
  try {
    if (is_there(json)) return Earlier{json, question_of(read_result(json).table)};
    if (is_there(note)) {
      return Earlier{others.empty() ? note : others.front(),
                     Question::parse(read_file(note, kMostBytes))};
    }
  } catch (const Error& error) {
    throw refusal(is_there(json) ? json : note, unreadable("result", error));
  }
  if (others.empty()) return std::nullopt;
  throw refusal(others.front(), "is there, and nothing beside it says what it is a result of");
}

void remove_file(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::remove(path, error);
  if (!error) return;
  throw Error(ErrorKind::kCannotCreate, path.string(),
              fmt::format("an earlier result's file cannot be removed: {}; remove it yourself, or "
                          "name another folder with `out`",
                          error.message()));
}

// What tells the question of files where no JSON file does.
void write_note(const std::string& folder, const std::string& stem, const Question& question,
                std::span<const std::string> formats) {
  const std::filesystem::path note = path_in(folder, stem, kNote);
  if (has(formats, "json")) {
    remove_file(note);
  } else {
    write_file(note, question.text());
  }
}

}  // namespace

void refuse_other_result(const std::string& folder, const std::string& stem,
                         const Question& question) {
  const std::optional<Earlier> before = earlier(folder, stem);
  if (!before) return;
  const std::string difference = question.difference_from(before->question);
  if (difference.empty()) return;
  throw refusal(before->path,
                fmt::format("is there and answers another question, by {}", difference));
}

void make_way_for(const std::string& folder, const std::string& stem, const Question& question,
                  std::span<const std::string> formats) {
  std::optional<Question> before;
  try {
    if (const auto found = earlier(folder, stem)) before = found->question;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kUsage) throw;  // else nobody knows what it is
  }
  const bool has_json = has(formats, "json");
  if (before != question) {
    for (const auto& path : others_of(folder, stem)) remove_file(path);
    if (!has_json) remove_file(path_in(folder, stem, ".json"));
  }
  write_note(folder, stem, question, formats);
}

void refuse_other_study(const std::string& folder, const std::string& study,
                        std::span<const std::string> formats) {
  const std::filesystem::path words = path_in(folder, "study", ".json");
  const std::filesystem::path note = path_in(folder, "study", kNote);
  const std::filesystem::path page = path_in(folder, "report", ".html");
  const std::string own = command_line(StudySpec{}, study);
  if (is_there(words)) {
    std::string command;
    try {
      command = read_study_result(words).command;
    } catch (const Error& error) {
      throw refusal(words, unreadable("study", error));
    }
    if (command == own || command.starts_with(own + " ")) return;
    throw refusal(words, fmt::format("is there and another study's, made by \"{}\"", command));
  }
  if (is_there(note)) {
    const auto before = Question::parse(read_file(note, kMostBytes));
    const std::string difference = Question().add("study", study).difference_from(before);
    if (difference.empty()) return;
    throw refusal(note, fmt::format("is there and another study's, by {}", difference));
  }
  if (has(formats, "html") && is_there(page)) throw refusal(page, "is there, and no study's");
}

void note_study(const std::string& folder, const Question& question,
                std::span<const std::string> formats) {
  write_note(folder, "study", question, formats);
}

void refuse_pictures_beside_other(const std::string& folder, const std::string& stem,
                                  const Question& question) {
  if (is_there(path_in(folder, stem, ".json"))) refuse_other_result(folder, stem, question);
}

void refuse_other_page(const std::string& folder, const std::string& stem,
                       std::string_view command) {
  constexpr std::uint64_t kMostOfPage = std::uint64_t{4} << 30;
  const std::filesystem::path page = path_in(folder, stem, ".html");
  if (!is_there(page)) return;
  const std::string own = fmt::format("<dt>command</dt><dd>{}</dd>", markup_text(command));
  if (read_file(page, kMostOfPage).find(own) != std::string::npos) return;
  throw refusal(page, "is there, and another command's");
}

}  // namespace patchbay::runs
