// A result file, read back: every key is checked before it is believed.
#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "patchbay/io/file.h"
#include "patchbay/io/json.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/results/json_keys.h"
#include "patchbay/results/result_format.h"
#include "patchbay/results/result_json.h"

namespace patchbay {
namespace {

constexpr std::string_view kTag = "result";
constexpr std::uint64_t kMaxBytes = std::uint64_t{256} << 20;

double number_or_null(const JsonValue& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.as_double();
}

std::string text_or_null(const JsonValue& value) {
  if (value.is_null()) return "";
  if (value.as_string().empty()) throw value.error("must not be empty; null says it is unknown");
  return value.as_string();
}

std::vector<double> numbers(const JsonValue& array) {
  std::vector<double> result;
  for (const JsonValue& item : array.items()) result.push_back(item.as_double());
  return result;
}

// The value that a name stands for; parse_… throws kUsage for other names.
template <typename Parse>
auto named(const JsonValue& value, const Parse& parse) {
  try {
    return parse(value.as_string());
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kUsage) throw;
    throw value.error(
        fmt::format("is {}, which is not a name that it can have", json_quoted(value.as_string())));
  }
}

OptionValue option_value(const JsonValue& value) {
  switch (value.type()) {
    case JsonValue::Type::kBool:
      return value.as_bool();
    case JsonValue::Type::kInteger:
      return value.as_int();
    case JsonValue::Type::kDouble:
      return value.as_double();
    case JsonValue::Type::kString:
      return value.as_string();
    case JsonValue::Type::kArray:
      return texts_of(value);
    default:
      throw value.error("must be true, false, a number, a string or strings");
  }
}

Provenance read_origin(const JsonValue& root) {
  const JsonValue& model = root.at("model");
  require_keys(model, {"name", "sha256", "weight_processing"});
  return {.model = model.at("name").as_string(),
          .model_sha256 = text_or_null(model.at("sha256")),
          .weight_processing = texts_of(model.at("weight_processing")),
          .task = root.at("task").as_string(),
          .prepend_bos = root.at("prepend_bos").as_bool(),
          .tokens_sha256 = text_or_null(root.at("tokens_sha256")),
          .version = root.at("version").as_string(),
          .command = root.at("command").as_string()};
}

// Follows the nested arrays down to their numbers, each array as long as its axis.
void read_values(const JsonValue& value, std::span<const TableAxis> axes,
                 std::vector<double>& out) {
  if (axes.empty()) {
    out.push_back(number_or_null(value));
    return;
  }
  const TableAxis& axis = axes.front();
  if (value.items().size() != axis.labels.size()) {
    throw value.error(fmt::format("has {} elements, but the axis {} has {} labels",
                                  value.items().size(), json_quoted(axis.name),
                                  axis.labels.size()));
  }
  for (const JsonValue& item : value.items()) read_values(item, axes.subspan(1), out);
}

EffectTable read_table(const JsonValue& root) {
  EffectTable table;
  table.experiment = root.at("experiment").as_string();
  table.provenance = read_origin(root);
  for (const JsonMember& member : root.at("options").members()) {
    table.options.push_back({member.key, option_value(member.value)});
  }
  table.metric = root.at("metric").as_string();
  table.direction = named(root.at("direction"), parse_direction);
  for (const JsonValue& axis : root.at("axes").items()) {
    require_keys(axis, {"name", "labels"});
    table.axes.push_back({axis.at("name").as_string(), texts_of(axis.at("labels"))});
  }
  for (const JsonValue& column : root.at("columns").items()) {
    require_keys(column, {"name", "texts"});
    table.columns.push_back({column.at("name").as_string(), texts_of(column.at("texts"))});
  }
  table.notes = texts_of(root.at("notes"));
  const JsonValue& baselines = root.at("baselines");
  require_keys(baselines, {"clean", "corrupted"});
  table.baselines = {numbers(baselines.at("clean")), numbers(baselines.at("corrupted"))};
  const JsonValue& shown = root.at("shown");
  require_keys(shown, {"effect", "aggregate"});
  table.effect = named(shown.at("effect"), parse_effect_kind);
  table.aggregate = named(shown.at("aggregate"), parse_aggregate);
  read_values(root.at("values"), table.axes, table.values);
  return table;
}

StatisticsOptions read_options(const JsonValue& object) {
  require_keys(object, {"bootstrap_resamples", "seed", "confidence", "smallest_gap"});
  StatisticsOptions options{.bootstrap_resamples = object.at("bootstrap_resamples").as_int(),
                            .seed = object.at("seed").as_unsigned(),
                            .confidence = object.at("confidence").as_double(),
                            .smallest_gap = object.at("smallest_gap").as_double()};
  if (const std::string rule = options.broken_rule(); !rule.empty()) {
    throw object.error(fmt::format("has a value out of range: {}", rule));
  }
  return options;
}

}  // namespace

StoredResult parse_result(std::string_view text, std::string_view where) {
  const JsonDocument document =
      parse_json(text, where, JsonLimits{.max_bytes = kMaxBytes, .tag = kTag});
  const JsonValue& root = document.root();
  require_format(root, kResultFormat, kResultFormatVersion, "result file");
  require_keys(
      root, {"format",        "format_version", "experiment", "model",     "task",   "prepend_bos",
             "tokens_sha256", "version",        "command",    "options",   "metric", "direction",
             "axes",          "columns",        "notes",      "baselines", "shown",  "statistics",
             "effects",       "significance",   "values"});
  for (const char* computed : {"effects", "significance"}) (void)root.at(computed).members();
  StoredResult result{read_table(root), read_options(root.at("statistics"))};
  if (const std::string rule = result.table.broken_rule(); !rule.empty()) {
    throw Error(ErrorKind::kBadData, kTag, fmt::format("{}: {}; correct the file", where, rule));
  }
  return result;
}

StoredResult read_result(const std::filesystem::path& path) {
  return parse_result(read_file(path, kMaxBytes), path.string());
}

}  // namespace patchbay
