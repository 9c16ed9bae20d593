// A result file, written key by key in the order of docs/results.md.
#include "patchbay/results/result_json.h"

#include <fmt/format.h>

#include <cstdint>
#include <span>
#include <vector>

#include "patchbay/io/file.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/results/result_format.h"

namespace patchbay {
namespace {

using Extents = std::span<const std::int64_t>;

// Arrays in arrays, one for each axis, the innermost on one line; write_value(i) writes the i-th
// value in row-major order. Without axes it is the value alone.
template <typename WriteValue>
void write_nested(JsonWriter& json, Extents extents, const WriteValue& write_value,
                  std::int64_t first = 0) {
  if (extents.empty()) {
    write_value(first);
    return;
  }
  json.begin_array(extents.size() == 1 ? JsonLayout::kInline : JsonLayout::kLines);
  std::int64_t stride = 1;
  for (const std::int64_t extent : extents.subspan(1)) stride *= extent;
  for (std::int64_t i = 0; i < extents.front(); ++i) {
    write_nested(json, extents.subspan(1), write_value, first + i * stride);
  }
  json.end_array();
}

void write_option(JsonWriter& json, const Option& option) {
  if (const auto* texts = std::get_if<std::vector<std::string>>(&option.value)) {
    json.row(option.name, *texts);
  } else if (const auto* number = std::get_if<double>(&option.value)) {
    // A whole number keeps its point, so that it is read back as a double.
    std::string text = json_number(*number);
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    json.key(option.name).raw(text);
  } else if (const auto* text = std::get_if<std::string>(&option.value)) {
    json.member(option.name, *text);
  } else if (const auto* integer = std::get_if<std::int64_t>(&option.value)) {
    json.member(option.name, *integer);
  } else {
    json.member(option.name, std::get<bool>(option.value));
  }
}

void write_origin(JsonWriter& json, const Provenance& provenance) {
  json.key("model").begin_object().member("name", provenance.model);
  json.text_or_null("sha256", provenance.model_sha256);
  json.row("weight_processing", provenance.weight_processing).end_object();
  json.member("task", provenance.task).member("prepend_bos", provenance.prepend_bos);
  json.text_or_null("tokens_sha256", provenance.tokens_sha256);
  json.member("version", provenance.version).member("command", provenance.command);
}

void write_table(JsonWriter& json, const EffectTable& table) {
  json.key("options").begin_object();
  for (const Option& option : table.options) write_option(json, option);
  json.end_object();
  json.member("metric", table.metric).member("direction", name_of(table.direction));
  json.key("axes").begin_array();
  for (const TableAxis& axis : table.axes) {
    json.begin_object().member("name", axis.name);
    json.row("labels", axis.labels);
    json.end_object();
  }
  json.end_array().key("columns").begin_array();
  for (const TextColumn& column : table.columns) {
    json.begin_object().member("name", column.name).key("texts").begin_array();
    for (const std::string& text : column.texts) json.value(text);
    json.end_array().end_object();
  }
  json.end_array().key("notes").begin_array();
  for (const std::string& note : table.notes) json.value(note);
  json.end_array().key("baselines").begin_object();
  json.row("clean", table.baselines.clean);
  json.row("corrupted", table.baselines.corrupted);
  json.end_object();
}

void write_effect(JsonWriter& json, const EffectTable& table, Extents extents,
                  const TableStatistics& statistics, const EffectSummary& effect) {
  json.key(name_of(effect.effect)).begin_object();
  json.member("definition", formula_of(effect.effect, table.direction));
  json.member("aggregate", name_of(effect.aggregate));
  const auto write_cells = [&](std::string_view name, const auto member) {
    json.key(name);
    write_nested(json, extents, [&](std::int64_t cell) {
      json.value(effect.cells[static_cast<std::size_t>(cell)].*member);
    });
  };
  write_cells("values", &CellSummary::value);
  write_cells("standard_error", &CellSummary::standard_error);
  write_cells("low", &CellSummary::low);
  write_cells("high", &CellSummary::high);
  write_cells("left_out", &CellSummary::n_left_out);
  json.row("left_out_prompts", effect.left_out_prompts);
  if (statistics.n_distinct < table.n_prompts()) {
    json.member("distinct_prompts", statistics.n_distinct);
  }
  json.end_object();
}

void write_significance(JsonWriter& json, Extents extents, const Significance& significance) {
  json.key("significance").begin_object();
  json.member("test", kTestName).member("correction", kCorrectionName);
  if (!significance.reason.empty()) {
    json.member("reason", significance.reason).end_object();
    return;
  }
  json.member("drawn_sign_patterns", significance.flips).key("p_values");
  write_nested(json, extents, [&](std::int64_t cell) {
    json.value(significance.p_values[static_cast<std::size_t>(cell)]);
  });
  json.end_object();
}

void write_options(JsonWriter& json, const StatisticsOptions& options) {
  json.key("statistics").begin_object();
  json.member("bootstrap_resamples", options.bootstrap_resamples).member("seed", options.seed);
  json.member("confidence", options.confidence);
  json.member("smallest_gap", options.smallest_gap).end_object();
}

}  // namespace

std::string to_json(const EffectTable& table, const StatisticsOptions& options) {
  const TableStatistics statistics = table_statistics(table, options);
  const std::vector<std::int64_t> shape = table.shape();
  const Extents cells = Extents(shape).first(shape.size() - 1);

  JsonWriter json;
  json.begin_object().member("format", kResultFormat);
  json.member("format_version", kResultFormatVersion).member("experiment", table.experiment);
  write_origin(json, table.provenance);
  write_table(json, table);
  json.key("shown").begin_object().member("effect", name_of(table.effect));
  json.member("aggregate", name_of(table.aggregate)).end_object();
  write_options(json, options);
  json.key("effects").begin_object();
  for (const EffectSummary& effect : statistics.effects) {
    write_effect(json, table, cells, statistics, effect);
  }
  json.end_object();
  write_significance(json, cells, statistics.significance);
  json.key("values");
  write_nested(json, shape,
               [&](std::int64_t i) { json.value(table.values[static_cast<std::size_t>(i)]); });
  json.end_object();
  return json.take();
}

void write_json(const std::filesystem::path& path, const EffectTable& table,
                const StatisticsOptions& options) {
  write_file(path, to_json(table, options));
}

}  // namespace patchbay
