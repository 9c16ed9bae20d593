// Prompt pairs from a file: rows become tokens, answers and positions.
#include "patchbay/prompts/prompt_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "patchbay/base/suggest.h"
#include "patchbay/base/utf8.h"
#include "patchbay/base/words.h"
#include "patchbay/prompts/prompt_builder.h"
#include "patchbay/prompts/prompt_rows.h"

namespace patchbay {
namespace {

constexpr std::string_view kTag = "file";

// Position names are written between commas and after an @, beside numbers and words that mean
// something of their own.
std::string name_rule(std::string_view name) {
  if (name.empty()) return "is empty";
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
  };
  const std::string lower = lower_case(name);
  if (lower == "end") return "is what every prompt's last token is called";
  for (const std::string_view word : {"all", "none", "middle", "elsewhere"}) {
    if (lower == word) return "means something else already";
  }
  const bool fits = is_letter(name.front()) && std::ranges::all_of(name, [&](char c) {
                      return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-';
                    });
  return fits ? "" : "is not a letter followed by letters, digits, _, + or -";
}

// Names of positions in the order in which they first come, without END.
std::vector<std::string> position_names(const std::vector<PromptRow>& rows) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  };
  for (const PromptRow& row : rows) {
    if (row.find("subject") != nullptr) add("subject");
    for (const char* key : {"positions", "corrupted_positions"}) {
      const JsonValue* positions = row.find(key);
      if (positions == nullptr) continue;
      for (const JsonMember& member : positions->members()) {
        if (const std::string rule = name_rule(member.key); !rule.empty()) {
          throw positions->error(fmt::format("names a position {}, which {}; call it otherwise",
                                             in_quotes(member.key), rule));
        }
        add(member.key);
      }
    }
  }
  return names;
}

// Some programs write integers as 5.0.
std::int64_t integer(const JsonValue& value) {
  constexpr double kMost = 1e15;
  if (value.type() != JsonValue::Type::kDouble) return value.as_int();
  const double number = value.as_double();
  const bool is_whole = std::abs(number) < kMost && std::trunc(number) == number;
  return is_whole ? static_cast<std::int64_t>(number) : value.as_int();
}

TokenId token_id(const JsonValue& value) {
  const std::int64_t id = integer(value);
  if (!std::in_range<TokenId>(id) || id < 0)
    throw value.error(fmt::format("is {}, which is not a token id", id));
  return static_cast<TokenId>(id);
}

// Bytes of a word's characters; those of characters beyond ASCII are letters here.
bool is_of_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (c & 0x80) != 0;
}

// Where the text [at, at + size) of a longer one is not a part of a longer word.
bool is_whole_word(std::string_view text, std::size_t at, std::size_t size) {
  const std::size_t end = at + size;
  const bool begins = at == 0 || !is_of_word(text[at]) || !is_of_word(text[at - 1]);
  const bool ends = end == text.size() || !is_of_word(text[end - 1]) || !is_of_word(text[end]);
  return begins && ends;
}

// A table's cells are texts.
bool flag(const JsonValue& value) {
  if (!value.is_string()) return value.as_bool();
  const std::string word = lower_case(trimmed(value.as_string()));
  if (word != "true" && word != "false") throw value.error("must be true or false");
  return word == "true";
}

class FileReader {
 public:
  FileReader(PromptBuilder& builder, const PromptFileOptions& options)
      : builder_(builder), options_(options) {}

  void add(const PromptRow& row) {
    const JsonValue* const special = row.find("special");
    builder_.parse_special(special == nullptr ? options_.parse_special : flag(*special));
    PromptSide clean = side(row, "clean");
    const bool has_corrupted = row.find("corrupted") != nullptr;
    PromptSide corrupted = has_corrupted ? side(row, "corrupted") : PromptSide();
    if (const JsonValue* subject = row.find("subject")) place(clean, "subject", *subject);
    if (const JsonValue* named = row.find("positions")) place(clean, *named);
    if (const JsonValue* named = row.find("corrupted_positions")) {
      if (!has_corrupted) throw named->error("are of a corrupted prompt, which the row lacks");
      place(corrupted, *named);
    } else {
      corrupted.positions = clean.positions;  // equally long, or else refused
    }
    Answers answers = {.right = tokens_of(row, row.at("answer")), .wrong = {}};
    if (const JsonValue* wrong = row.find("wrong")) answers.wrong = tokens_of(row, *wrong);
    const JsonValue* const group = row.find("group");
    builder_.add(row.where, std::move(clean), std::move(corrupted), std::move(answers),
                 group == nullptr ? "" : group->as_string(), row.origin);
  }

 private:
  PromptSide side(const PromptRow& row, std::string_view key) const {
    const JsonValue& value = row.at(key);
    if (value.is_string()) {
      return builder_.side(row.where, {.text = value.as_string(), .marks = {}});
    }
    if (!value.is_array()) throw value.error("must be a text or an array of token ids");
    if (options_.prepend_bos) {
      throw Error(ErrorKind::kUsage, kTag,
                  fmt::format("{}: token ids are taken as they are; omit BOS, or write it among "
                              "them",
                              row.where));
    }
    PromptSide side;
    for (const JsonValue& id : value.items()) side.tokens.push_back(token_id(id));
    side.positions.resize(builder_.position_names().size());
    side.positions.back() = static_cast<std::int32_t>(side.tokens.size()) - 1;
    return side;
  }

  std::vector<TokenId> tokens_of(const PromptRow& row, const JsonValue& value) const {
    std::vector<TokenId> tokens;
    const auto append = [&](const JsonValue& one) {
      tokens.push_back(one.is_string() ? builder_.answer(row.where, one.as_string())
                                       : token_id(one));
    };
    if (value.is_array()) {
      for (const JsonValue& one : value.items()) append(one);
    } else if (value.is_string() || value.is_number()) {
      append(value);
    } else {
      throw value.error("must be a text, a token id, or an array of them");
    }
    return tokens;
  }

  void place(PromptSide& side, const JsonValue& named) const {
    for (const JsonMember& member : named.members()) place(side, member.key, member.value);
  }
  void place(PromptSide& side, std::string_view name, const JsonValue& where) const {
    const std::vector<std::string>& names = builder_.position_names();
    const auto i = static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
    side.positions[i] = position(side, where);
  }

  // Words, alone or with which of their occurrences; the first and the last of some tokens; one of
  // them; null for none.
  TokenSpan position(const PromptSide& side, const JsonValue& value) const {
    if (value.is_null()) return {};
    if (value.is_string()) return tokens_of_words(side, value, value.as_string(), std::nullopt);
    if (!value.is_array()) return token(side, value);
    const std::span<const JsonValue> parts = value.items();
    const bool words = !parts.empty() && parts.front().is_string();
    if (words && parts.size() == 1) {
      return tokens_of_words(side, value, parts.front().as_string(), std::nullopt);
    }
    if (parts.size() != 2) {
      throw value.error(
          "must be words and which of their occurrences, as [\"John\", 2], or the first and the "
          "last of some tokens, as [3, 5]");
    }
    if (words)
      return tokens_of_words(side, value, parts.front().as_string(), integer(parts.back()));
    const TokenSpan span(token(side, parts.front()), token(side, parts.back()));
    if (span.first <= span.last) return span;
    throw value.error("ends before it begins; write the first and the last of the tokens");
  }

  // An index among the tokens that are not BOS, from the end when negative.
  std::int32_t token(const PromptSide& side, const JsonValue& value) const {
    const auto first = static_cast<std::int64_t>(options_.prepend_bos ? 1 : 0);
    const auto length = static_cast<std::int64_t>(side.tokens.size());
    const std::int64_t index = integer(value);
    if (index < first - length || index >= length - first) {
      throw value.error(fmt::format("is {}; the prompt has {} tokens", index, length - first));
    }
    return static_cast<std::int32_t>(index < 0 ? length + index : first + index);
  }

  TokenSpan tokens_of_words(const PromptSide& side, const JsonValue& value, const std::string& word,
                            std::optional<std::int64_t> which) const {
    if (side.text.empty()) throw value.error("must be a number, since the prompt is token ids");
    std::vector<std::size_t> begins;
    if (!word.empty()) {
      for (std::size_t at = side.text.find(word); at != std::string::npos;
           at = side.text.find(word, at + word.size())) {
        if (is_whole_word(side.text, at, word.size())) begins.push_back(at);
      }
    }
    const auto count = static_cast<std::int64_t>(begins.size());
    if (count == 0 || (which && (*which < 1 || *which > count))) {
      throw value.error(
          fmt::format("names {}, which the prompt has {} times as a word", in_quotes(word), count));
    }
    if (count > 1 && !which) {
      throw value.error(
          fmt::format("names {}, which the prompt has {} times; say which, as [{}, {}]",
                      in_quotes(word), count, in_quotes(word), count));
    }
    const std::size_t begin = begins[static_cast<std::size_t>(which.value_or(1) - 1)];
    return tokens_at_bytes(builder_.tokenizer(), side.tokens, options_.prepend_bos ? 1 : 0, begin,
                           begin + word.size());
  }

  PromptBuilder& builder_;
  const PromptFileOptions& options_;
};

// What does not fit of a file's prompts.
class Unfit {
 public:
  void add(const Error& error) { reasons_.emplace_back(error.reason()); }
  [[nodiscard]] bool empty() const { return reasons_.empty(); }
  [[nodiscard]] std::int64_t size() const { return std::ssize(reasons_); }

  // All at once, the first ten with their reasons.
  [[nodiscard]] std::string text(const std::filesystem::path& path, std::int64_t count) const {
    if (count == 1) return reasons_.front();
    return fmt::format(
        "{}; {} of {} prompts of {} do not fit: correct them, or leave them out with `skip-unfit`",
        list(), reasons_.size(), count, path.string());
  }
  [[nodiscard]] std::string note(std::int64_t count) const {
    return fmt::format("{} of {} prompts are left out because they do not fit: {}", size(), count,
                       list());
  }

 private:
  [[nodiscard]] std::string list() const {
    constexpr std::size_t kMost = 10;
    const auto shown = std::min(kMost, reasons_.size());
    std::string text = fmt::format(
        "{}",
        fmt::join(reasons_.begin(), reasons_.begin() + static_cast<std::ptrdiff_t>(shown), "; "));
    if (shown < reasons_.size()) text += fmt::format("; and {} more", reasons_.size() - shown);
    return text;
  }

  std::vector<std::string> reasons_;
};

// The file's own columns, in the order in which rows first have them. One that is spelled nearly
// as a field that no prompt has is warned of.
void add_columns(const std::vector<const PromptRow*>& rows, PromptBuilder& builder) {
  std::vector<PromptColumn> columns;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const auto& [name, text] : rows[i]->others) {
      auto column = std::ranges::find(columns, name, &PromptColumn::name);
      if (column == columns.end()) column = columns.insert(columns.end(), {name, {}});
      column->texts.resize(i);  // prompts without it
      column->texts.push_back(text);
    }
  }
  std::vector<std::string> absent;
  for (const PromptField& field : prompt_fields()) {
    const auto has = [&](const PromptRow* row) { return row->find(field.name) != nullptr; };
    if (std::ranges::none_of(rows, has)) absent.emplace_back(field.name);
  }
  for (PromptColumn& column : columns) {
    column.texts.resize(rows.size());
    if (const std::string near = nearest_name(column.name, absent); !near.empty()) {
      builder.warn(fmt::format("{} is kept as a column of the file's own; is it {}?",
                               in_quotes(column.name), in_quotes(near)));
    }
  }
  builder.add_columns(std::move(columns));
}

}  // namespace

PromptSet read_prompt_file(const std::filesystem::path& path, const HookedTransformerConfig& cfg,
                           const Tokenizer* tokenizer, const PromptFileOptions& options) {
  if (options.prompts < 0) {
    throw Error(
        ErrorKind::kUsage, kTag,
        fmt::format("{} prompts were asked for; say 1 or more, or 0 for all", options.prompts));
  }
  const std::vector<PromptRow> rows = read_prompt_rows(path);
  const auto count = static_cast<std::int64_t>(rows.size());
  if (count == 0) {
    throw Error(ErrorKind::kBadData, kTag,
                fmt::format("{}: holds no prompts; docs/tasks.md shows how they are written",
                            path.string()));
  }
  if (options.prompts > count) {
    throw Error(ErrorKind::kUsage, kTag,
                fmt::format("{}: has {} prompts, and {} were asked for; ask for fewer",
                            path.string(), count, options.prompts));
  }
  PromptSet set;
  set.task = fmt::format("{}:{}", kTag, path.string());
  set.prepend_bos = options.prepend_bos;
  set.position_names = position_names(rows);
  PromptBuilder builder(
      cfg, tokenizer, std::move(set),
      {.parse_special = options.parse_special, .first_answer_token = options.first_answer_token});
  FileReader reader(builder, options);
  Unfit unfit;
  std::vector<const PromptRow*> taken;
  for (const PromptRow& row : rows) {
    if (options.prompts > 0 && std::ssize(taken) == options.prompts) break;
    try {
      reader.add(row);
      taken.push_back(&row);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kBadData) throw;
      unfit.add(error);
      if (!options.skip_unfit && options.prompts > 0) taken.push_back(&row);  // counts as taken
    }
  }
  const auto tried = static_cast<std::int64_t>(taken.size());
  if (!unfit.empty() && (!options.skip_unfit || taken.empty())) {
    throw Error(ErrorKind::kBadData, kTag, unfit.text(path, count));
  }
  if (tried < options.prompts) {
    throw Error(ErrorKind::kUsage, kTag,
                fmt::format("{}: {} of its {} prompts fit, and {} were asked for; ask for fewer",
                            path.string(), tried, count, options.prompts));
  }
  if (!unfit.empty()) builder.leave_out(unfit.size(), unfit.note(count));
  add_columns(taken, builder);
  return std::move(builder).finish();
}

}  // namespace patchbay
