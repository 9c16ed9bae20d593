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

CellKey key_of(std::string_view mark) { return KeyMaker().add("mark").add(mark).key(); }

}  // namespace

FinishedValues::FinishedValues(const std::string& folder, const std::string& stem,
                               std::string_view scope)
    : store_(made_in(folder, stem), scope) {}

bool FinishedValues::has(std::string_view mark) const {
  return store_.find(key_of(mark)).has_value();
}

void FinishedValues::add(std::string_view mark) { store_.add(key_of(mark), 0.0); }

bool holds_finished_values(const std::filesystem::path& file) {
  return file.extension() == kEnding;
}

void merge_finished_values(const std::filesystem::path& target,
                           std::span<const std::filesystem::path> parts) {
  std::optional<CellStore> merged;
  std::string scope;
  for (const std::filesystem::path& part : parts) {
    const CellStore::Content content = CellStore::read(part);
    if (!merged) {
      scope = content.scope;
      merged.emplace(target, scope);
    } else if (content.scope != scope) {
      throw Error(
          ErrorKind::kBadData, "merge",
          fmt::format("{} and {} are of different runs: version, weights or their processing; "
                      "run the shards again",
                      parts.front().string(), part.string()));
    }
    for (const auto& [key, value] : content.cells) merged->add(key, value);
  }
}

}  // namespace patchbay::runs
