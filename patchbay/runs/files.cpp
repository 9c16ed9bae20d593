#include "patchbay/runs/files.h"

#include <fmt/format.h>

#include <system_error>

#include "patchbay/base/error.h"
#include "patchbay/io/file.h"
#include "patchbay/results/circuit_graph.h"
#include "patchbay/results/result_csv.h"
#include "patchbay/results/result_json.h"
#include "patchbay/results/result_npz.h"

namespace patchbay::runs {

bool is_table_format(std::string_view format) {
  return format == "json" || format == "csv" || format == "npz";
}

std::filesystem::path path_in(const std::string& folder, const std::string& stem,
                              std::string_view ending) {
  return std::filesystem::path(folder) / (stem + std::string(ending));
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
    written.push_back(path_in(folder, stem, "." + format));
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
