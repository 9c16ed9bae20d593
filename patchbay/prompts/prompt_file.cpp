// Prompt pairs from a file of JSON lines.
#include "patchbay/prompts/prompt_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "patchbay/base/suggest.h"
#include "patchbay/base/utf8.h"
#include "patchbay/io/file.h"
#include "patchbay/io/json.h"
#include "patchbay/prompts/prompt_builder.h"

namespace patchbay {
namespace {

constexpr std::string_view kTag = "file";

struct Line {
  std::string where;  // "prompts.jsonl:3"
  JsonDocument json;
};

void check_keys(const JsonValue& line) {
  static const std::vector<std::string> kKeys = {
      "clean", "corrupted", "answer", "wrong", "group", "positions", "corrupted_positions"};
  if (!line.is_object()) throw line.error("must be an object such as {\"clean\": …}");
  for (const JsonMember& member : line.members()) {
    if (std::ranges::find(kKeys, member.key) != kKeys.end()) continue;
    throw member.value.error(fmt::format("is not a key of a prompt, which has {}{}",
                                         fmt::join(kKeys, ", "), did_you_mean(member.key, kKeys)));
  }
}

std::vector<Line> read_lines(const std::filesystem::path& path) {
  constexpr std::uint64_t kMaxBytes = std::uint64_t{256} << 20;
  const std::string text = read_file(path, kMaxBytes);
  std::vector<Line> lines;
  std::size_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    std::string where = fmt::format("{}:{}", path.string(), number);
    JsonDocument json = parse_json(line, where, {.tag = kTag});
    check_keys(json.root());
    lines.push_back({std::move(where), std::move(json)});
  }
  return lines;
}

// Names of positions in the order in which they first come, without END.
std::vector<std::string> position_names(const std::vector<Line>& lines) {
  std::vector<std::string> names;
  for (const Line& line : lines) {
    for (const char* key : {"positions", "corrupted_positions"}) {
      const JsonValue* positions = line.json->find(key);
      if (positions == nullptr || positions->is_null()) continue;
      for (const JsonMember& member : positions->members()) {
        if (member.key == "END" || member.key.empty()) {
          throw positions->error(
              "may not name \"END\", which every prompt has at its last token, or \"\"");
        }
        if (std::ranges::find(names, member.key) == names.end()) names.push_back(member.key);
      }
    }
  }
  return names;
}

TokenId token_id(const JsonValue& value) {
  const std::int64_t id = value.as_int();
  if (!std::in_range<TokenId>(id) || id < 0)
    throw value.error(fmt::format("is {}, which is not a token id", id));
  return static_cast<TokenId>(id);
}

class FileReader {
 public:
  FileReader(PromptBuilder& builder, bool prepend_bos)
      : builder_(builder), prepend_bos_(prepend_bos) {}

  void add(const Line& line) {
    const JsonValue& pair = line.json.root();
    PromptSide clean = side(line, "clean");
    PromptSide corrupted = side(line, "corrupted");
    if (const JsonValue* named = present(pair, "positions")) place(clean, *named);
    if (const JsonValue* named = present(pair, "corrupted_positions")) {
      place(corrupted, *named);
    } else {
      corrupted.positions = clean.positions;  // equally long, or else refused
    }
    Answers answers = {.right = tokens_of(line, pair.at("answer")), .wrong = {}};
    if (const JsonValue* wrong = present(pair, "wrong")) answers.wrong = tokens_of(line, *wrong);
    builder_.add(line.where, std::move(clean), std::move(corrupted), std::move(answers),
                 pair.get_or("group", std::string()));
  }

 private:
  static const JsonValue* present(const JsonValue& pair, std::string_view key) {
    const JsonValue* value = pair.find(key);
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  PromptSide side(const Line& line, std::string_view key) const {
    const JsonValue& value = line.json->at(key);
    if (value.is_string()) {
      return builder_.side(line.where, {.text = value.as_string(), .marks = {}});
    }
    if (!value.is_array()) throw value.error("must be a text or an array of token ids");
    if (prepend_bos_) {
      throw Error(ErrorKind::kUsage, kTag,
                  fmt::format("{}: token ids are taken as they are; omit BOS, or write it among "
                              "them",
                              line.where));
    }
    PromptSide side;
    for (const JsonValue& id : value.items()) side.tokens.push_back(token_id(id));
    side.positions.assign(builder_.position_names().size(), -1);
    side.positions.back() = static_cast<std::int32_t>(side.tokens.size()) - 1;
    return side;
  }

  std::vector<TokenId> tokens_of(const Line& line, const JsonValue& value) const {
    std::vector<TokenId> tokens;
    const auto append = [&](const JsonValue& one) {
      tokens.push_back(one.is_string() ? builder_.answer(line.where, one.as_string())
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
    const std::vector<std::string>& names = builder_.position_names();
    for (const JsonMember& member : named.members()) {
      const auto i = static_cast<std::size_t>(std::ranges::find(names, member.key) - names.begin());
      side.positions[i] = position(side, member.value);
    }
  }

  // An index among the tokens that are not BOS, from the end when negative; a word; a word and
  // which of its occurrences; null for none.
  std::int32_t position(const PromptSide& side, const JsonValue& value) const {
    const auto first = static_cast<std::int64_t>(prepend_bos_ ? 1 : 0);
    const auto length = static_cast<std::int64_t>(side.tokens.size());
    if (value.is_null()) return -1;
    if (value.is_string()) return token_of_word(side, value, value.as_string(), std::nullopt);
    if (value.is_array()) {
      if (value.items().size() != 2)
        throw value.error("must be a word and which of its occurrences, as [\"John\", 2]");
      return token_of_word(side, value, value.at(std::size_t{0}).as_string(),
                           value.at(std::size_t{1}).as_int());
    }
    const std::int64_t index = value.as_int();
    if (index < first - length || index >= length - first) {
      throw value.error(fmt::format("is {}; the prompt has {} tokens", index, length - first));
    }
    return static_cast<std::int32_t>(index < 0 ? length + index : first + index);
  }

  std::int32_t token_of_word(const PromptSide& side, const JsonValue& value,
                             const std::string& word, std::optional<std::int64_t> which) const {
    if (side.text.empty()) throw value.error("must be a number, since the prompt is token ids");
    std::vector<std::size_t> ends;
    if (!word.empty()) {
      for (std::size_t at = side.text.find(word); at != std::string::npos;
           at = side.text.find(word, at + word.size())) {
        ends.push_back(at + word.size());
      }
    }
    const auto count = static_cast<std::int64_t>(ends.size());
    if (count == 0 || (which && (*which < 1 || *which > count))) {
      throw value.error(
          fmt::format("names {}, which the prompt has {} times", in_quotes(word), count));
    }
    if (count > 1 && !which) {
      throw value.error(
          fmt::format("names {}, which the prompt has {} times; say which, as [{}, {}]",
                      in_quotes(word), count, in_quotes(word), count));
    }
    return token_at_byte(builder_.tokenizer(), side.tokens, prepend_bos_ ? 1 : 0,
                         ends[static_cast<std::size_t>(which.value_or(1) - 1)] - 1);
  }

  PromptBuilder& builder_;
  bool prepend_bos_;
};

}  // namespace

PromptSet read_prompt_file(const std::filesystem::path& path, const HookedTransformerConfig& cfg,
                           const Tokenizer* tokenizer, const PromptFileOptions& options) {
  if (options.prompts < 0) {
    throw Error(
        ErrorKind::kUsage, kTag,
        fmt::format("{} prompts were asked for; say 1 or more, or 0 for all", options.prompts));
  }
  const std::vector<Line> lines = read_lines(path);
  const auto count = static_cast<std::int64_t>(lines.size());
  if (count == 0) {
    throw Error(ErrorKind::kBadData, kTag,
                fmt::format("{}: holds no prompts; write one JSON object a line", path.string()));
  }
  if (options.prompts > count) {
    throw Error(ErrorKind::kUsage, kTag,
                fmt::format("{}: has {} prompts, and {} were asked for; ask for fewer",
                            path.string(), count, options.prompts));
  }
  PromptSet set;
  set.task = fmt::format("{}:{}", kTag, path.string());
  set.prepend_bos = options.prepend_bos;
  set.position_names = position_names(lines);
  PromptBuilder builder(cfg, tokenizer, std::move(set));
  FileReader reader(builder, options.prepend_bos);
  const std::int64_t wanted = options.prompts == 0 ? count : options.prompts;
  for (std::int64_t i = 0; i < wanted; ++i) reader.add(lines[static_cast<std::size_t>(i)]);
  return std::move(builder).finish();
}

}  // namespace patchbay
