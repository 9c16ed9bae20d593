#include "patchbay/runs/finished_values.h"

#include <fmt/format.h>

#include <optional>

#include "patchbay/base/error.h"
#include "patchbay/runs/files.h"

namespace patchbay::runs {
namespace {

constexpr std::string_view kEnding = ".partial";

std::filesystem::path made_in(const std::string& folder, const std::string& stem) {
  make_folder(folder);
  return path_in(folder, stem, kEnding);
}

}  // namespace

FinishedValues::FinishedValues(const std::string& folder, const std::string& stem,
                               std::string_view key, const Shard& shard)
    : journal_(made_in(folder, stem), key, shard) {}

void FinishedValues::add(std::int64_t mark) {
  if (!has(mark)) journal_.append(mark, {});
}

void FinishedValues::discard(const std::string& folder, const std::string& stem) {
  std::filesystem::remove(path_in(folder, stem, kEnding));
}

bool holds_finished_values(const std::filesystem::path& file) {
  return file.extension() == kEnding;
}

void merge_finished_values(const std::filesystem::path& target,
                           std::span<const std::filesystem::path> parts) {
  std::optional<Journal> merged;
  std::string key;
  for (const std::filesystem::path& part : parts) {
    const JournalContent content = read_journal(part);
    if (!merged) {
      key = content.key;
      merged.emplace(target, key);
    } else if (content.key != key) {
      throw Error(
          ErrorKind::kBadData, "merge",
          fmt::format("{} and {} are of different runs: version, model, prompts or options; "
                      "run the shards again",
                      parts.front().string(), part.string()));
    }
    for (const auto& [cell, values] : content.cells) {
      if (!merged->find(cell)) merged->append(cell, values);
    }
  }
}

}  // namespace patchbay::runs
