// A result as comma-separated values (RFC 4180).
#include "patchbay/results/result_csv.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "patchbay/base/visible_text.h"
#include "patchbay/io/file.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/results/metric_traits.h"
#include "patchbay/results/statistics.h"

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

namespace {

// What an effect is counted in.
std::string_view unit_of(const EffectTable& table, std::int64_t cell, EffectKind kind) {
  if (kind == EffectKind::kRaw) return metric_of_cell(table, cell);
  return kind == EffectKind::kPercentOfClean ? "percent of clean" : "gap";
}

bool is_text_of_people(const TextColumn& column) {
  return !column.name.ends_with(" tokens") && !column.name.ends_with(" ids");
}

// [cell] The labels of a cell, each with a comma behind it.
std::vector<std::string> label_fields(const EffectTable& table) {
  std::vector<std::string> fields(static_cast<std::size_t>(table.cells()));
  for (std::int64_t cell = 0; cell < table.cells(); ++cell) {
    for (const std::string_view label : table.cell_labels(cell)) {
      fields[static_cast<std::size_t>(cell)] += csv_field(label) + ",";
    }
  }
  return fields;
}

}  // namespace

std::string to_effects_csv(const EffectTable& table) {
  const TableStatistics statistics = table_statistics(table);
  const std::vector<std::string> labels = label_fields(table);
  const std::vector<std::string>& prompts = table.axes.back().labels;
  std::vector<std::string> texts(prompts.size());  // of each prompt, each with a comma before it
  std::string none;
  std::string out;
  for (const TableAxis& axis : table.axes) out += csv_field(axis.name) + ",";
  out += "effect,value,standard_error,low,high,p_value,n,unit";
  for (const TextColumn& column : table.columns) {
    if (!is_text_of_people(column)) continue;
    out += "," + csv_field("prompt." + column.name);
    none += ',';
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      texts[i] += "," + csv_field(with_escapes(column.texts[i], [](char32_t) { return true; }));
    }
  }
  out += "\r\n";
  for (const EffectSummary& effect : statistics.effects) {
    for (std::size_t i = 0; i < effect.cells.size(); ++i) {
      const CellSummary& cell = effect.cells[i];
      const std::string p = cell.p_value ? number(*cell.p_value) : "";
      out += fmt::format(
          "{},{},{},{},{},{},{},{},{}{}\r\n", labels[i], name_of(effect.effect), number(cell.value),
          number(cell.standard_error), number(cell.low), number(cell.high), p, cell.n,
          csv_field(unit_of(table, static_cast<std::int64_t>(i), effect.effect)), none);
    }
  }
  const auto base = table.base();
  for (std::int64_t cell = 0; cell < table.cells(); ++cell) {
    const auto values = table.cell_values(cell);
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      const std::string value = number(base.empty() ? values[i] : values[i] - base[i]);
      out += fmt::format("{}{},{},{},,,,,{},{}{}\r\n", labels[static_cast<std::size_t>(cell)],
                         csv_field(prompts[i]), name_of(EffectKind::kRaw), value,
                         value.empty() ? 0 : 1, csv_field(unit_of(table, cell, EffectKind::kRaw)),
                         texts[i]);
    }
  }
  return out;
}

void write_csv(const std::filesystem::path& path, const EffectTable& table) {
  write_file(path, to_csv(table));
}

}  // namespace patchbay
