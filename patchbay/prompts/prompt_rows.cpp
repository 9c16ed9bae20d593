#include "patchbay/prompts/prompt_rows.h"

#include <csv.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/base/utf8.h"
#include "patchbay/base/words.h"
#include "patchbay/io/file.h"
#include "patchbay/io/json_writer.h"

namespace patchbay {
namespace {

constexpr std::string_view kTag = "file";
constexpr std::uint64_t kMaxBytes = std::uint64_t{256} << 20;

constexpr std::string_view kClean[] = {"clean_prompt", "prompt"};
constexpr std::string_view kCorrupted[] = {"corrupt", "corrupted_prompt", "corrupt_prompt",
                                           "counterfactual", "counterfactual_prompt"};
constexpr std::string_view kAnswer[] = {"answers",         "correct", "correct_answer",
                                        "correct_answers", "target",  "target_true",
                                        "attribute"};
constexpr std::string_view kWrong[] = {"wrongs",      "wrong_answer",     "wrong_answers",
                                       "incorrect",   "incorrect_answer", "incorrect_answers",
                                       "target_false"};
constexpr PromptField kFields[] = {{"clean", kClean},
                                   {"corrupted", kCorrupted},
                                   {"answer", kAnswer},
                                   {"wrong", kWrong},
                                   {"group", {}},
                                   {"subject", {}},
                                   {"special", {}},
                                   {"positions", {}},
                                   {"corrupted_positions", {}}};

const PromptField* field_of(std::string_view key) {
  // "Wrong answer" in a spreadsheet is wrong_answer.
  std::string wanted = lower_case(trimmed(key));
  std::ranges::replace(wanted, ' ', '_');
  for (const PromptField& field : kFields) {
    if (field.name == wanted || std::ranges::find(field.others, wanted) != field.others.end()) {
      return &field;
    }
  }
  return nullptr;
}

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw Error(ErrorKind::kBadData, kTag, fmt::format("{}: {}", path.string(), what));
}

// A value of a column of somebody's own, as people read it.
std::string text_of(const JsonValue& value) {
  switch (value.type()) {
    case JsonValue::Type::kNull:
      return "";
    case JsonValue::Type::kBool:
      return value.as_bool() ? "true" : "false";
    case JsonValue::Type::kInteger:
      return std::to_string(value.as_int());
    case JsonValue::Type::kUnsigned:
      return std::to_string(value.as_unsigned());
    case JsonValue::Type::kDouble:
      return json_number(value.as_double());
    case JsonValue::Type::kString:
      return value.as_string();
    case JsonValue::Type::kArray:
    case JsonValue::Type::kObject:
      break;
  }
  const auto inner = [](const JsonValue& one) {
    return one.is_string() ? json_quoted(one.as_string()) : one.is_null() ? "null" : text_of(one);
  };
  std::vector<std::string> parts;
  if (value.is_array()) {
    for (const JsonValue& item : value.items()) parts.push_back(inner(item));
    return fmt::format("[{}]", fmt::join(parts, ", "));
  }
  for (const JsonMember& member : value.members()) {
    parts.push_back(fmt::format("{}: {}", json_quoted(member.key), inner(member.value)));
  }
  return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

bool is_absent(const JsonValue& value) {
  return value.is_null() || (value.is_string() && value.as_string().empty());
}

PromptRow row_of(const JsonValue& object, std::string where, std::string origin,
                 std::shared_ptr<const JsonDocument> document) {
  if (!object.is_object()) throw object.error("must be an object such as {\"clean\": …}");
  PromptRow row{.where = std::move(where),
                .origin = std::move(origin),
                .fields = {},
                .others = {},
                .document = std::move(document)};
  std::map<std::string_view, std::string_view> named;  // by field, the key
  for (const JsonMember& member : object.members()) {
    const PromptField* const field = field_of(member.key);
    if (field == nullptr) {
      row.others.emplace_back(member.key, text_of(member.value));
      continue;
    }
    const auto [earlier, is_new] = named.emplace(field->name, member.key);
    if (!is_new) {
      throw member.value.error(fmt::format("and {} both say what is {}; keep one of them",
                                           in_quotes(earlier->second), field->name));
    }
    if (!is_absent(member.value) || field->name == "clean") {
      row.fields.emplace(field->name, &member.value);
    }
  }
  return row;
}

// Lines with their numbers from 1.
template <class Visit>
void for_each_line(std::string_view text, const Visit& visit) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    visit(text.substr(0, end), number);
    text.remove_prefix(end);
  }
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

std::string name_of_row(const std::filesystem::path& path, std::size_t prompt, std::size_t line) {
  return fmt::format("prompt {} ({}:{})", prompt, path.string(), line);
}

std::vector<PromptRow> rows_of_lines(const std::filesystem::path& path, std::string_view text) {
  std::vector<PromptRow> rows;
  for_each_line(text, [&](std::string_view line, std::size_t number) {
    if (is_blank(line)) return;
    std::string where = name_of_row(path, rows.size(), number);
    auto document = std::make_shared<const JsonDocument>(parse_json(line, where, {.tag = kTag}));
    const JsonValue& root = document->root();
    rows.push_back(
        row_of(root, std::move(where), fmt::format("line {}", number), std::move(document)));
  });
  return rows;
}

bool is_array_of_objects(const JsonValue& value) {
  return value.is_array() && !value.items().empty() &&
         std::ranges::all_of(value.items(), [](const JsonValue& one) { return one.is_object(); });
}

// The one array of objects that the document is or has; null for none or several.
const JsonValue* array_of(const JsonValue& root) {
  if (root.is_array()) return &root;
  const JsonValue* found = nullptr;
  if (!root.is_object()) return nullptr;
  for (const JsonMember& member : root.members()) {
    const PromptField* const field = field_of(member.key);
    if (field != nullptr && field->name == "clean") return nullptr;  // it is a prompt
    if (!is_array_of_objects(member.value)) continue;
    if (found != nullptr) return nullptr;
    found = &member.value;
  }
  return found;
}

std::vector<PromptRow> rows_of_array(const std::filesystem::path& path,
                                     const std::shared_ptr<const JsonDocument>& document) {
  const JsonValue* const array = array_of(document->root());
  if (array == nullptr) {
    fail(path,
         "holds an object that is neither a prompt nor has one array of prompts; write one object "
         "a line, or an array of them");
  }
  std::vector<PromptRow> rows;
  for (const JsonValue& item : array->items()) {
    rows.push_back(
        row_of(item, fmt::format("prompt {} of {}", rows.size(), path.string()), "", document));
  }
  return rows;
}

// An array begins with a bracket. What begins with a brace is an object a line, unless its first
// line does not end the object, or is all there is and holds an array of prompts.
std::vector<PromptRow> rows_of_json(const std::filesystem::path& path, std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  const std::size_t end = std::min(text.find('\n', begin), text.size());
  const std::string_view first = text.substr(begin, end - begin);
  if (first.front() != '{' && first.front() != '[') {
    fail(path,
         "is not a file of prompts: it begins with neither a JSON object nor an array; write an "
         "object a line, such as {\"clean\": \"…\", \"corrupted\": \"…\", \"answer\": \" Mary\"}, "
         "or a "
         "table with a header in a file that ends in .csv or .tsv");
  }
  const bool is_only = is_blank(text.substr(end));
  const bool is_closed = first[first.find_last_not_of(" \t\r")] == '}';
  const bool may_hold_all = first.front() == '[' || (first.front() == '{' && is_only == is_closed);
  if (!may_hold_all) return rows_of_lines(path, text);
  auto document =
      std::make_shared<const JsonDocument>(parse_json(text, path.string(), {.tag = kTag}));
  const bool is_prompt = is_closed && is_only && array_of(document->root()) == nullptr;
  return is_prompt ? rows_of_lines(path, text) : rows_of_array(path, document);
}

// A parser that is freed however its table ends.
struct Parser {
  csv_parser state{};
  explicit Parser(char delimiter) {
    csv_init(&state, CSV_STRICT | CSV_STRICT_FINI);
    csv_set_delim(&state, static_cast<unsigned char>(delimiter));
    csv_set_space_func(&state, [](unsigned char) { return 0; });  // spaces belong to their cells
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
  ~Parser() { csv_free(&state); }
};

// A table as libcsv reads it: rows of cells, each row with the line at which it begins.
class Table {
 public:
  struct Row {
    std::size_t line = 0;
    std::vector<std::string> cells;
  };

  Table(const std::filesystem::path& path, std::string_view text, char delimiter)
      : path_(path), parser_(delimiter) {
    for_each_line(text, [&](std::string_view line, std::size_t number) {
      line_ = number;
      if (!begun_) row_.line = number;
      begun_ = begun_ || !is_blank(line);
      check(csv_parse(&parser_.state, line.data(), line.size(), &add_cell, &end_row, this) ==
            line.size());
    });
    check(csv_fini(&parser_.state, &add_cell, &end_row, this) == 0);
  }

  [[nodiscard]] const std::vector<Row>& rows() const { return rows_; }

 private:
  void check(bool parsed) const {
    if (parsed) return;
    fail(path_, fmt::format("line {}: a quote is out of place; a cell with commas, quotes or line "
                            "ends stands in quotes, and quotes in it are written twice",
                            line_));
  }
  static void add_cell(void* text, std::size_t size, void* self) {
    static_cast<Table*>(self)->row_.cells.emplace_back(static_cast<const char*>(text), size);
  }
  static void end_row(int /*end*/, void* self) {
    auto& table = *static_cast<Table*>(self);
    if (!table.row_.cells.empty()) table.rows_.push_back(std::move(table.row_));
    table.row_ = {};
    table.begun_ = false;
  }

  const std::filesystem::path& path_;
  Parser parser_;
  std::size_t line_ = 0;
  Row row_;
  bool begun_ = false;  // a row, which may go on over lines
  std::vector<Row> rows_;
};

// A cell as JSON: text, or in a field's column the array or object that it is.
std::string json_of_cell(std::string_view cell, bool is_field) {
  const bool bracketed = (cell.starts_with('[') && cell.ends_with(']')) ||
                         (cell.starts_with('{') && cell.ends_with('}'));
  if (!is_field || !bracketed) return json_quoted(cell);
  try {
    (void)parse_json(cell, "cell");
    return std::string(cell);
  } catch (const Error&) {
    return json_quoted(cell);
  }
}

std::vector<std::string> header_of(const std::filesystem::path& path, const Table::Row& row) {
  std::vector<std::string> names;
  for (const std::string& cell : row.cells) {
    // pandas writes its index under no name.
    std::string name(cell.empty() ? "index" : trimmed(cell));
    if (std::ranges::find(names, name) != names.end()) {
      fail(path, fmt::format("line {}: two columns are called {}; rename one of them", row.line,
                             in_quotes(name)));
    }
    names.push_back(std::move(name));
  }
  const auto is_field = [](const std::string& name) { return field_of(name) != nullptr; };
  if (std::ranges::any_of(names, is_field)) return names;
  fail(path,
       fmt::format("line {}: the first line names no column of prompts, such as clean, corrupted, "
                   "answer; it has {}",
                   row.line, fmt::join(names, ", ")));
}

// Spreadsheets of many countries write .csv with semicolons.
char delimiter_of(std::string_view text) {
  const std::string_view header = text.substr(0, text.find('\n'));
  const bool has_comma = header.find(',') != std::string_view::npos;
  return !has_comma && header.find(';') != std::string_view::npos ? ';' : ',';
}

std::vector<PromptRow> rows_of_table(const std::filesystem::path& path, std::string_view text,
                                     char delimiter) {
  if (const auto bad = find_invalid_utf8(text)) {
    fail(path, fmt::format("is not UTF-8 at byte {}; save it as UTF-8", *bad));
  }
  const Table table(path, text, delimiter);
  std::vector<PromptRow> rows;
  if (table.rows().empty()) return rows;
  const std::vector<std::string> names = header_of(path, table.rows().front());
  for (const Table::Row& row : std::span(table.rows()).subspan(1)) {
    // Spreadsheets write rows that somebody emptied.
    if (std::ranges::all_of(row.cells, [](const auto& cell) { return cell.empty(); })) continue;
    std::string where = name_of_row(path, rows.size(), row.line);
    if (row.cells.size() != names.size()) {
      throw Error(ErrorKind::kBadData, kTag,
                  fmt::format("{}: has {} cells for {} columns; put a cell with commas in quotes",
                              where, row.cells.size(), names.size()));
    }
    std::string json = "{";
    for (std::size_t i = 0; i < names.size(); ++i) {
      json += fmt::format("{}{}: {}", i == 0 ? "" : ", ", json_quoted(names[i]),
                          json_of_cell(row.cells[i], field_of(names[i]) != nullptr));
    }
    auto document =
        std::make_shared<const JsonDocument>(parse_json(json + "}", where, {.tag = kTag}));
    const JsonValue& root = document->root();
    rows.push_back(
        row_of(root, std::move(where), fmt::format("line {}", row.line), std::move(document)));
  }
  return rows;
}

}  // namespace

std::span<const PromptField> prompt_fields() { return kFields; }

const JsonValue* PromptRow::find(std::string_view field) const {
  const auto found = fields.find(field);
  return found == fields.end() ? nullptr : found->second;
}

const JsonValue& PromptRow::at(std::string_view field) const {
  if (const JsonValue* value = find(field)) return *value;
  std::vector<std::string> names;
  for (const auto& [name, text] : others) names.push_back(name);
  const std::string near = nearest_name(field, names);
  for (const auto& [name, value] : fields) names.emplace_back(name);
  throw Error(
      ErrorKind::kBadData, kTag,
      fmt::format("{}: says nothing of {}, which is needed{}; it has {}", where, in_quotes(field),
                  near.empty() ? "" : fmt::format("; is {} it?", in_quotes(near)),
                  fmt::join(names, ", ")));
}

std::vector<PromptRow> read_prompt_rows(const std::filesystem::path& path) {
  const std::string extension = lower_case(path.extension().string());
  const PromptForm form = extension == ".csv"   ? PromptForm::kCsv
                          : extension == ".tsv" ? PromptForm::kTsv
                                                : PromptForm::kJson;
  return parse_prompt_rows(path, read_file(path, kMaxBytes), form);
}

std::vector<PromptRow> parse_prompt_rows(const std::filesystem::path& path, std::string_view text,
                                         PromptForm form) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (form == PromptForm::kCsv) return rows_of_table(path, text, delimiter_of(text));
  if (form == PromptForm::kTsv) return rows_of_table(path, text, '\t');
  return rows_of_json(path, text);
}

}  // namespace patchbay
