#include "patchbay/results/study_result.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <set>

#include "patchbay/base/error.h"
#include "patchbay/io/file.h"
#include "patchbay/io/json.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/results/json_keys.h"

namespace patchbay {
namespace {

constexpr std::string_view kFormat = "patchbay-study";
constexpr std::int64_t kVersion = 1;
constexpr std::uint64_t kMaxBytes = std::uint64_t{64} << 20;

StudyList read_list(const JsonValue& value) {
  require_keys(value, {"title", "columns", "rows", "sentences"});
  StudyList list{.title = value.at("title").as_string(),
                 .columns = texts_of(value.at("columns")),
                 .rows = {},
                 .sentences = texts_of(value.at("sentences"))};
  for (const JsonValue& row : value.at("rows").items()) {
    list.rows.push_back(texts_of(row));
    if (list.rows.back().size() == list.columns.size()) continue;
    throw row.error(fmt::format("has {} texts, but there are {} columns", list.rows.back().size(),
                                list.columns.size()));
  }
  return list;
}

bool is_id(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

StudySection read_section(const JsonValue& value) {
  require_keys(value, {"id", "experiment", "title", "text", "left_out", "lists"});
  StudySection section{.id = value.at("id").as_string(),
                       .experiment = value.at("experiment").as_string(),
                       .title = value.at("title").as_string(),
                       .text = value.at("text").as_string(),
                       .left_out = value.at("left_out").as_string(),
                       .lists = {}};
  if (!is_id(section.id)) {
    throw value.at("id").error("must be letters, digits, _ and -, since it names a file");
  }
  for (const JsonValue& list : value.at("lists").items()) section.lists.push_back(read_list(list));
  return section;
}

}  // namespace

void check_section(const StudySection& section, std::set<std::string>& ids) {
  const auto fail = [](const std::string& what) {
    throw Error(ErrorKind::kUsage, "study result", what);
  };
  const std::string id = json_quoted(section.id);
  if (!is_id(section.id)) {
    fail(fmt::format("the id {} cannot name a file; take letters, digits, _ and -", id));
  }
  if (!ids.insert(section.id).second) {
    fail(fmt::format("the id {} is given twice; give every section its own", id));
  }
  for (const StudyList& list : section.lists) {
    for (const auto& row : list.rows) {
      if (row.size() == list.columns.size()) continue;
      fail(fmt::format("a row of the list {} has {} texts, but there are {} columns",
                       json_quoted(list.title), row.size(), list.columns.size()));
    }
  }
}

std::string to_json(const StudyResult& study) {
  std::set<std::string> ids;
  for (const StudySection& section : study.sections) check_section(section, ids);
  JsonWriter json;
  json.begin_object().member("format", kFormat).member("format_version", kVersion);
  json.member("title", study.title).member("text", study.text).member("model", study.model);
  json.member("command", study.command);
  json.member("attention_command", study.attention_command).key("known").begin_array();
  for (const KnownHeads& known : study.known) {
    json.begin_object().member("name", known.name).row("heads", known.heads).end_object();
  }
  json.end_array().key("sections").begin_array();
  for (const StudySection& section : study.sections) {
    json.begin_object().member("id", section.id).member("experiment", section.experiment);
    json.member("title", section.title).member("text", section.text);
    json.member("left_out", section.left_out).key("lists").begin_array();
    for (const StudyList& list : section.lists) {
      json.begin_object().member("title", list.title).row("columns", list.columns);
      json.key("rows").begin_array();
      for (const auto& row : list.rows) {
        json.begin_array(JsonLayout::kInline);
        for (const std::string& text : row) json.value(std::string_view(text));
        json.end_array();
      }
      json.end_array().row("sentences", list.sentences).end_object();
    }
    json.end_array().end_object();
  }
  return json.end_array().end_object().take();
}

StudyResult parse_study_result(std::string_view text, std::string_view where) {
  const JsonDocument document =
      parse_json(text, where, JsonLimits{.max_bytes = kMaxBytes, .tag = "study result"});
  const JsonValue& root = document.root();
  require_format(root, kFormat, kVersion, "list of a study's results");
  require_keys(root, {"format", "format_version", "title", "text", "model", "command",
                      "attention_command", "known", "sections"});
  StudyResult study{.title = root.at("title").as_string(),
                    .text = root.at("text").as_string(),
                    .model = root.at("model").as_string(),
                    .command = root.at("command").as_string(),
                    .attention_command = root.at("attention_command").as_string(),
                    .known = {},
                    .sections = {}};
  for (const JsonValue& known : root.at("known").items()) {
    require_keys(known, {"name", "heads"});
    study.known.push_back({known.at("name").as_string(), texts_of(known.at("heads"))});
  }
  for (const JsonValue& section : root.at("sections").items()) {
    study.sections.push_back(read_section(section));
    for (std::size_t i = 0; i + 1 < study.sections.size(); ++i) {
      if (study.sections[i].id == study.sections.back().id) {
        throw section.at("id").error("names two sections");
      }
    }
  }
  return study;
}

StudyResult read_study_result(const std::filesystem::path& path) {
  return parse_study_result(read_file(path, kMaxBytes), path.string());
}

}  // namespace patchbay
