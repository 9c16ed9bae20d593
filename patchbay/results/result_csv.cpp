// A result as comma-separated values (RFC 4180).
#include "patchbay/results/result_csv.h"

#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>

#include "patchbay/io/file.h"
#include "patchbay/io/json_writer.h"

namespace patchbay {
namespace {

std::string csv_field(std::string_view text) {
  if (text.find_first_of("\",\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out += '"';
}

std::string number(double value) { return std::isfinite(value) ? json_number(value) : ""; }

std::string number_at(std::span<const double> values, std::size_t i) {
  return values.empty() ? "" : number(values[i]);
}

}  // namespace

std::string to_csv(const EffectTable& table) {
  table.check();
  std::string out;
  for (const TableAxis& axis : table.axes) out += csv_field(axis.name) + ",";
  out += "value,clean,corrupted,raw_effect\r\n";
  const std::vector<std::string>& prompts = table.axes.back().labels;
  for (std::int64_t cell = 0; cell < table.cells(); ++cell) {
    std::string labels;
    for (const std::string_view label : table.cell_labels(cell)) labels += csv_field(label) + ",";
    const auto values = table.cell_values(cell);
    const auto base = table.base();
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      const double raw = base.empty() ? values[i] : values[i] - base[i];
      out += labels + csv_field(prompts[i]) + "," + number(values[i]) + "," +
             number_at(table.baselines.clean, i) + "," + number_at(table.baselines.corrupted, i) +
             "," + number(raw) + "\r\n";
    }
  }
  return out;
}

void write_csv(const std::filesystem::path& path, const EffectTable& table) {
  write_file(path, to_csv(table));
}

}  // namespace patchbay
