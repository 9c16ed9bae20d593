// Loads a tokenizer from a folder, or from GPT-2's vocab.json and merges.txt.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <system_error>

#include "patchbay/base/error.h"
#include "patchbay/base/utf8.h"
#include "patchbay/io/file.h"
#include "patchbay/text/tokenizer.h"
#include "patchbay/text/tokenizer_file_parts.h"
#include "patchbay/text/vocabulary.h"

namespace patchbay {
namespace {

constexpr std::uint64_t kMaxMergesBytes = std::uint64_t{64} << 20;

bool is_there(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  // The byte alphabet has no carriage return: one at the end is an editor's or git's.
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

void read_merges(const std::filesystem::path& path, TokenizerParts& parts) {
  const std::string content = read_file(path, kMaxMergesBytes);
  std::string_view rest = content;
  parts.merges_source = path.string();
  parts.first_merge_line = 1;
  if (rest.starts_with("#version")) {
    take_line(rest);
    parts.first_merge_line = 2;
  }
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    if (line.empty() && rest.find_first_not_of("\r\n") == std::string_view::npos) break;
    auto rule = split_merge(line);
    if (!rule) {
      throw Error(ErrorKind::kBadData, "tokenizer",
                  fmt::format("{}: line {}: {} is not two tokens with one space between them; is "
                              "this GPT-2's merges.txt?",
                              parts.merges_source, parts.first_merge_line + parts.merges.size(),
                              in_quotes(line)));
    }
    parts.merges.push_back(*std::move(rule));
  }
}

}  // namespace

std::vector<std::string> tokens_by_id(const JsonValue& vocabulary) {
  std::vector<std::string> tokens;
  for (const auto& [token, value] : vocabulary.members()) {
    const std::int64_t id = value.as_int();
    if (id < 0 || id >= kMaxVocabulary) {
      throw value.error(fmt::format("is {}; ids go from 0 to {}", id, kMaxVocabulary - 1));
    }
    if (token.empty()) throw value.error("is the id of an empty token");
    const auto index = static_cast<std::size_t>(id);
    if (index >= tokens.size()) tokens.resize(index + 1);
    if (!tokens[index].empty()) {
      throw value.error(fmt::format("is {}, the id of {} too", id, in_quotes(tokens[index])));
    }
    tokens[index] = token;
  }
  return tokens;
}

std::optional<MergeRule> split_merge(std::string_view text) {
  const std::size_t space = text.find(' ');
  const bool two = space != std::string_view::npos && space == text.rfind(' ') && space > 0 &&
                   space + 1 < text.size();
  if (!two) return std::nullopt;
  return MergeRule{std::string(text.substr(0, space)), std::string(text.substr(space + 1))};
}

Tokenizer Tokenizer::from_folder(const std::filesystem::path& folder) {
  if (is_there(folder / "tokenizer.json")) return from_tokenizer_json(folder / "tokenizer.json");
  if (is_there(folder / "vocab.json")) {
    return from_files(folder / "vocab.json", folder / "merges.txt");
  }
  throw Error(ErrorKind::kNoInput, "tokenizer",
              fmt::format("{}: neither tokenizer.json nor vocab.json with merges.txt is there; add "
                          "the model's tokenizer files",
                          folder.string()));
}

Tokenizer Tokenizer::from_files(const std::filesystem::path& vocab_json,
                                const std::filesystem::path& merges_txt) {
  const JsonDocument vocabulary = read_json_file(vocab_json, kTokenizerJsonLimits);
  TokenizerParts parts;
  parts.source = vocab_json.string();
  parts.tokens = tokens_by_id(vocabulary.root());
  read_merges(merges_txt, parts);
  const auto end_of_text = std::ranges::find(parts.tokens, kEndOfText);
  if (end_of_text != parts.tokens.end()) {
    const auto id = static_cast<TokenId>(end_of_text - parts.tokens.begin());
    parts.added.push_back({.id = id, .content = std::string(kEndOfText), .special = true});
    parts.bos = id;
  }
  return from_parts(parts);
}

}  // namespace patchbay
