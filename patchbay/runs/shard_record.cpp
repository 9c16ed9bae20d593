// shard.json: what the whole is of which a shard is a part, written and read.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <optional>

#include "patchbay/base/error.h"
#include "patchbay/base/version.h"
#include "patchbay/io/file.h"
#include "patchbay/io/json.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/model/weight_processing.h"
#include "patchbay/results/json_keys.h"
#include "patchbay/runs/pictures.h"
#include "patchbay/runs/shard.h"

namespace patchbay::runs {
namespace {

constexpr std::string_view kFormat = "patchbay shard";
constexpr std::int64_t kFormatVersion = 1;
constexpr std::uint64_t kMaxBytes = std::uint64_t{16} << 20;

using Texts = std::map<std::string, std::string>;

void write(JsonWriter& json, std::string_view name, const Texts& texts) {
  json.key(name).begin_object();
  for (const auto& [key, text] : texts) json.member(key, text);
  json.end_object();
}

void write(JsonWriter& json, const RunSpec& run) {
  json.key("run").begin_object().member("model", run.model);
  json.row("weight_processing", names_of(run.process));
  const tasks::TaskOptions& task = run.task.options;
  json.key("task").begin_object().member("name", run.task.name).member("prompts", task.prompts);
  json.member("seed", task.seed).member("prepend_bos", task.prepend_bos);
  json.member("corruption", task.corruption).member("prompt_type", task.prompt_type);
  json.member("collisions", task.collisions).member("special", task.special);
  json.member("skip_unfit", task.skip_unfit);
  json.member("first_answer_token", task.first_answer_token).end_object();
  json.member("experiment", run.experiment.name);
  write(json, "settings", run.experiment.settings);
  json.member("prompt_limit", run.experiment.prompt_limit).end_object();
}

void write(JsonWriter& json, const StudySpec& study) {
  json.key("study").begin_object().member("name", study.study);
  json.member("model", study.model).member("special", study.special).end_object();
}

Texts texts_by_name(const JsonValue& object) {
  Texts texts;
  for (const JsonMember& member : object.members()) texts[member.key] = member.value.as_string();
  return texts;
}

// What `read` gives; a name that it does not know is an error of the file.
template <class Read>
auto known_names(const JsonValue& names, const Read& read) {
  try {
    return read(texts_of(names));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kUsage) throw;
    throw names.error(fmt::format("is wrong: {}", error.reason()));
  }
}

WeightProcessing processing_of(const JsonValue& names) {
  return known_names(names, [](const std::vector<std::string>& texts) {
    return parse_weight_processing(fmt::format("{}", fmt::join(texts, ",")), "names");
  });
}

std::vector<std::string> formats_of(const JsonValue& names, bool has_page) {
  return known_names(names, [&](std::vector<std::string> texts) {
    check_formats(texts, has_page);
    return texts;
  });
}

std::int64_t at_least(std::int64_t least, const JsonValue& value) {
  if (value.as_int() < least) throw value.error(fmt::format("is less than {}", least));
  return value.as_int();
}

TaskChoice task_of(const JsonValue& task) {
  require_keys(task, {"name", "prompts", "seed", "prepend_bos", "corruption", "prompt_type",
                      "collisions", "special", "skip_unfit", "first_answer_token"});
  TaskChoice choice{.name = task.at("name").as_string()};
  choice.options.prompts = at_least(0, task.at("prompts"));
  if (!task.at("seed").is_null()) choice.options.seed = task.at("seed").as_unsigned();
  if (!task.at("prepend_bos").is_null())
    choice.options.prepend_bos = task.at("prepend_bos").as_bool();
  choice.options.corruption = task.at("corruption").as_string();
  choice.options.prompt_type = task.at("prompt_type").as_string();
  choice.options.collisions = task.at("collisions").as_bool();
  choice.options.special = task.at("special").as_bool();
  choice.options.skip_unfit = task.at("skip_unfit").as_bool();
  choice.options.first_answer_token = task.at("first_answer_token").as_bool();
  return choice;
}

RunSpec run_of(const JsonValue& run) {
  require_keys(run,
               {"model", "weight_processing", "task", "experiment", "settings", "prompt_limit"});
  RunSpec spec{.model = run.at("model").as_string(),
               .process = processing_of(run.at("weight_processing")),
               .task = task_of(run.at("task")),
               .experiment = {.name = run.at("experiment").as_string(),
                              .settings = texts_by_name(run.at("settings"))}};
  const JsonValue& limit = run.at("prompt_limit");
  if (!limit.is_null()) spec.experiment.prompt_limit = at_least(1, limit);
  return spec;
}

StudySpec study_of(const JsonValue& study) {
  require_keys(study, {"name", "model", "special"});
  StudySpec spec{.study = study.at("name").as_string()};
  if (!study.at("model").is_null()) spec.model = study.at("model").as_string();
  spec.special = study.at("special").as_bool();
  return spec;
}

ShardRecord record_of(const JsonDocument& document, std::string_view where) {
  const JsonValue& root = document.root();
  if (root.find("whole") != nullptr) {
    throw Error(ErrorKind::kBadData, "shard",
                fmt::format("{}: holds the words of a command, as older versions wrote them; run "
                            "the shards again",
                            where));
  }
  require_format(root, kFormat, kFormatVersion, "record of a shard");
  const bool is_run = root.find("run") != nullptr;
  require_keys(root, {"format", "format_version", "patchbay", "shard", "of",
                      is_run ? "run" : "study", "formats", "notes"});
  const std::int64_t count = at_least(1, root.at("of"));
  const std::int64_t number = at_least(1, root.at("shard"));
  if (number > count) throw root.at("shard").error(fmt::format("is more than {}", count));
  ShardRecord record{.shard = {number - 1, count}, .whole = {}};
  if (is_run) record.whole.what = run_of(root.at("run"));
  if (!is_run) record.whole.what = study_of(root.at("study"));
  record.whole.formats = formats_of(root.at("formats"), !is_run);
  record.whole.notes = texts_by_name(root.at("notes"));
  return record;
}

}  // namespace

std::string to_json(const ShardRecord& record) {
  JsonWriter json;
  json.begin_object().member("format", kFormat).member("format_version", kFormatVersion);
  json.member("patchbay", std::string_view(kVersion));
  json.member("shard", record.shard.number + 1).member("of", record.shard.count);
  std::visit([&](const auto& what) { write(json, what); }, record.whole.what);
  json.row("formats", record.whole.formats);
  write(json, "notes", record.whole.notes);
  return json.end_object().take();
}

ShardRecord parse_shard_record(std::string_view text, std::string_view where) {
  return record_of(parse_json(text, where, {.max_bytes = kMaxBytes, .tag = "shard"}), where);
}

ShardRecord read_shard_record(const std::filesystem::path& path) {
  return parse_shard_record(read_file(path, kMaxBytes), path.string());
}

}  // namespace patchbay::runs
