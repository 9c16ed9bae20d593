#include "patchbay/runs/finished_values.h"

#include <fmt/format.h>

#include <optional>
#include <system_error>

#include "patchbay/base/error.h"
#include "patchbay/runs/files.h"

namespace patchbay::runs {
namespace {

constexpr std::string_view kEnding = ".partial";

std::filesystem::path made_in(const std::string& folder, const std::string& stem) {
  make_folder(folder);
  return path_in(folder, stem, kEnding);
}

// Before the store refuses the same without saying what differs.
void refuse_other_values(const std::filesystem::path& file, const Question& question) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return;
  std::string scope;
  try {
    scope = CellStore::read(file).scope;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kBadData) throw;
    return;  // the store knows what to do with it
  }
  if (scope == question.text()) return;
  const std::string difference = question.difference_from(Question::parse(scope));
  throw Error(ErrorKind::kUsage, "`out`",
              fmt::format("{} holds what another run has finished so far, which differs by {}; let "
                          "that one end, name another folder with `out`, or give its values up "
                          "with `overwrite`",
                          file.string(), difference.empty() ? "patchbay's version" : difference));
}

CellStore opened(const std::filesystem::path& file, const Question& question, bool overwrite) {
  if (!overwrite) refuse_other_values(file, question);
  return {file, question.text(), overwrite ? OtherScope::kForget : OtherScope::kRefuse};
}

CellKey key_of(std::string_view mark) { return KeyMaker().add("mark").add(mark).key(); }

}  // namespace

FinishedValues::FinishedValues(const std::string& folder, const std::string& stem,
                               const Question& question, bool overwrite)
    : store_(opened(made_in(folder, stem), question, overwrite)) {}

bool FinishedValues::has(std::string_view mark) const {
  return store_.find(key_of(mark)).has_value();
}

void FinishedValues::add(std::string_view mark) { store_.add(key_of(mark), 0.0); }

bool holds_finished_values(const std::filesystem::path& file) {
  return file.extension() == kEnding;
}

Question question_of_values(const std::filesystem::path& file) {
  return Question::parse(CellStore::read(file).scope);
}

void merge_finished_values(const std::filesystem::path& target,
                           std::span<const std::filesystem::path> parts, bool overwrite) {
  std::optional<std::string> scope;
  for (const std::filesystem::path& part : parts) {
    const std::string own = CellStore::read(part).scope;
    if (scope.value_or(own) != own) {
      throw Error(
          ErrorKind::kBadData, "merge",
          fmt::format("{} and {} are of different runs, or of different versions of patchbay; run "
                      "the shards again",
                      parts.front().string(), part.string()));
    }
    scope = own;
  }
  if (!scope) return;
  if (!overwrite) refuse_other_values(target, Question::parse(*scope));
  CellStore merged(target, *scope, overwrite ? OtherScope::kForget : OtherScope::kRefuse);
  for (const std::filesystem::path& part : parts) {
    const CellStore::Content content = CellStore::read(part);
    for (const auto& [key, value] : content.cells) merged.add(key, value);
  }
}

}  // namespace patchbay::runs
