// Files of prompts in the forms that people have them in: JSON lines, a JSON array, an object that
// holds one, CSV and TSV.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "patchbay/io/json.h"

namespace patchbay {

/// What a prompt may say, and what the field's files call it.
struct PromptField {
  std::string_view name;                     ///< "corrupted"
  std::span<const std::string_view> others;  ///< "corrupt", "corrupted_prompt", …
};

/// Every field, by its own name. Upper and lower case are the same.
std::span<const PromptField> prompt_fields();

/// One prompt of a file, before it is tokenized.
struct PromptRow {
  std::string where;   ///< what errors call it: "prompt 2 (pairs.jsonl:3)"
  std::string origin;  ///< where it stands in the file: "line 3"; "" in an array
  /// By the field's own name, what the row says; without those that are missing, null or empty.
  std::map<std::string_view, const JsonValue*> fields;
  /// The columns that are no fields, in their order, as text.
  std::vector<std::pair<std::string, std::string>> others;
  std::shared_ptr<const JsonDocument> document;  ///< owns the values

  /// What the row says of a field, or nullptr.
  [[nodiscard]] const JsonValue* find(std::string_view field) const;
  /// What it says. Throws kBadData, with all its columns and the nearest, where it says nothing.
  [[nodiscard]] const JsonValue& at(std::string_view field) const;
};

enum class PromptForm { kJson, kCsv, kTsv };

/// The rows of a text in a form; `path` is what errors call it. Throws kBadData as
/// read_prompt_rows.
std::vector<PromptRow> parse_prompt_rows(const std::filesystem::path& path, std::string_view text,
                                         PromptForm form);

/// The rows of a file, which .csv and .tsv name as a table with a header, and anything else is
/// JSON: one object a line, an array of objects, or an object whose only array of objects it is. A
/// byte order mark, CRLF, blank lines and rows of empty cells are passed over; a .csv whose header
/// has semicolons and no commas is divided by those. Cells of a table are texts, but for JSON
/// arrays and objects in those of a field. Throws kNoInput, and kBadData naming file and line for
/// whatever has none of these forms, and for a row that names a field twice.
std::vector<PromptRow> read_prompt_rows(const std::filesystem::path& path);

}  // namespace patchbay
