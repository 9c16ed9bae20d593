#include "patchbay/runs/files.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "patchbay/base/error.h"
#include "patchbay/io/file.h"
#include "patchbay/results/circuit_graph.h"
#include "patchbay/results/result_csv.h"
#include "patchbay/results/result_json.h"
#include "patchbay/results/result_npz.h"

namespace patchbay::runs {

bool is_table_format(std::string_view format) {
  return format == "json" || format == "csv" || format == "effects_csv" || format == "npz";
}

std::filesystem::path path_in(const std::string& folder, const std::string& stem,
                              std::string_view ending) {
  return std::filesystem::path(folder) / (stem + std::string(ending));
}

std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> entries;
  std::filesystem::directory_iterator entry(folder, error);
  while (!error && entry != std::filesystem::directory_iterator()) {
    entries.push_back(entry->path());
    entry.increment(error);
  }
  if (error) {
    throw Error(ErrorKind::kNoInput, folder.string(),
                fmt::format("the folder cannot be read: {}; see who may read it", error.message()));
  }
  std::ranges::sort(entries);
  return entries;
}

void make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return;
  throw Error(
      ErrorKind::kCannotCreate, folder,
      fmt::format("the folder cannot be made: {}; name another with `out`", error.message()));
}

std::vector<std::filesystem::path> write_table(const EffectTable& table, const std::string& folder,
                                               const std::string& stem,
                                               std::span<const std::string> formats) {
  std::vector<std::filesystem::path> written;
  for (const std::string& format : formats) {
    if (!is_table_format(format)) continue;
    const bool with_effects = format == "effects_csv";
    written.push_back(path_in(folder, stem, with_effects ? ".effects.csv" : "." + format));
    if (with_effects) write_file(written.back(), to_effects_csv(table));
    if (format == "json") write_json(written.back(), table);
    if (format == "csv") write_csv(written.back(), table);
    if (format == "npz") write_npz(written.back(), table);
  }
  if (!table.axes.empty() && table.axes.front().name == "edge") {
    written.push_back(path_in(folder, stem, ".dot"));
    write_file(written.back(), circuit_dot(table));
  }
  return written;
}

}  // namespace patchbay::runs
