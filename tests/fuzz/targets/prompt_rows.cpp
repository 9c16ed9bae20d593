// Prompts in all forms of their files: JSON, CSV and TSV.
#include "patchbay/prompts/prompt_rows.h"

#include <algorithm>

#include "tests/fuzz/fuzz_target.h"

using namespace patchbay;
using namespace patchbay::fuzz;

void fuzz_prompt_rows(std::string_view data);

void fuzz_prompt_rows(std::string_view data) {
  for (const PromptForm form : {PromptForm::kJson, PromptForm::kCsv, PromptForm::kTsv}) {
    accepts([&] {
      const std::vector<PromptRow> rows = parse_prompt_rows("prompts", data, form);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        require(rows[i].where.starts_with("prompt " + std::to_string(i)), "rows count from 0");
        for (const PromptField& field : prompt_fields()) {
          const JsonValue* value = rows[i].find(field.name);
          require(value == nullptr || !value->is_null() || field.name == "clean" ||
                      field.name == "corrupted",
                  "nothing is no value");
        }
        for (const PromptField& field : prompt_fields()) {
          const auto is_field = [&](const auto& column) { return column.first == field.name; };
          require(std::ranges::none_of(rows[i].others, is_field),
                  "a field is no column of one's own");
        }
      }
    });
  }
}
