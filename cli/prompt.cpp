#include "cli/prompt.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

#include "cli/interruption.h"
#include "cli/options.h"
#include "patchbay/base/error.h"
#include "patchbay/base/utf8.h"
#include "patchbay/base/visible_text.h"

namespace patchbay::cli {
namespace {

constexpr std::size_t kMaxInput = std::size_t{1} << 30;

std::string read_standard_input() {
  std::string text;
  std::array<char, 65536> piece{};
  while (true) {
    const ssize_t count = read(STDIN_FILENO, piece.data(), piece.size());
    check_interrupted();
    if (count == 0) return text;
    if (count < 0 && errno != EINTR) {
      throw Error(
          ErrorKind::kInputOutput, "standard input",
          fmt::format("cannot be read: {}; give the prompt as an argument", std::strerror(errno)));
    }
    if (count > 0) text.append(piece.data(), static_cast<std::size_t>(count));
    if (text.size() > kMaxInput) {
      throw Error(ErrorKind::kBadData, "standard input",
                  "is longer than 1 GiB; give a shorter text");
    }
  }
}

std::vector<TokenId> read_token_ids(std::string_view text) {
  constexpr TokenId kMost = std::numeric_limits<TokenId>::max();
  std::vector<TokenId> ids;
  for (const std::string& part : split_at_commas(text)) {
    ids.push_back(static_cast<TokenId>(read_integer("--tokens", part, 0, kMost)));
  }
  return ids;
}

}  // namespace

Options prompt_options() {
  return {{"TEXT", "", "the prompt; - reads standard input, as it is"},
          {"--tokens", "IDS", "the prompt as token ids, such as 1,2,3"},
          {"--bos", "", "begin with the token of the beginning (when the tokenizer has one)"},
          {"--no-bos", "", "begin with the text"},
          {"--special", "", "read <|endoftext|> and its like in the text as one token"}};
}

PromptWords prompt_of(const Given& given) {
  PromptWords prompt{.text = given.one("TEXT"),
                     .tokens = {},
                     .bos = bos_of(given),
                     .special = given.flag("--special")};
  if (const auto ids = given.one("--tokens")) prompt.tokens = read_token_ids(*ids);
  if (!prompt.text && !prompt.tokens) given.fail("no prompt is given; add a text or --tokens IDS");
  if (prompt.text && prompt.tokens)
    given.fail("the prompt is given twice, as text and as --tokens");
  if (prompt.tokens && (prompt.bos || prompt.special)) {
    given.fail("--tokens are taken as they are; leave --bos, --no-bos and --special away");
  }
  return prompt;
}

std::string TokenizedPrompt::summary() const {
  if (!prepend_bos) return count_text(tokens.size()) + " as given";
  return count_text(tokens.size()) + (*prepend_bos ? " with BOS" : " without BOS");
}

Error no_tokenizer(const HookedTransformerConfig& cfg, std::string_view where,
                   std::string_view what) {
  const bool is_absent = cfg.why_no_tokenizer.empty();
  return {is_absent ? ErrorKind::kNoInput : ErrorKind::kBadData, where,
          fmt::format("{}: {}", what, cfg.no_tokenizer())};
}

TokenizedPrompt tokenize(const PromptWords& prompt, const Tokenizer* tokenizer,
                         const HookedTransformerConfig& cfg) {
  if (prompt.tokens) return {*prompt.tokens, std::nullopt};
  if (tokenizer == nullptr) {
    throw no_tokenizer(cfg, "tokenizer", "the prompt cannot be text, but --tokens 1,2,3");
  }
  const std::string text = *prompt.text == "-" ? read_standard_input() : *prompt.text;
  const bool bos = prompt.bos.value_or(tokenizer->bos_token_id().has_value());
  return {tokenizer->to_tokens(text, {.prepend_bos = bos, .parse_special = prompt.special}), bos};
}

std::string count_text(std::size_t tokens) {
  return fmt::format("{} token{}", tokens, tokens == 1 ? "" : "s");
}

std::optional<std::string> bytes_of(const Tokenizer* tokenizer, TokenId id) {
  if (tokenizer == nullptr || !tokenizer->has_token(id)) return std::nullopt;
  return tokenizer->token_bytes(id);
}

std::string token_text(const Tokenizer* tokenizer, TokenId id) {
  const auto bytes = bytes_of(tokenizer, id);
  return bytes ? quoted_text(*bytes) : "?";
}

void write_prompt(JsonWriter& json, const TokenizedPrompt& prompt, const Tokenizer* tokenizer) {
  std::vector<std::optional<std::string>> texts;
  for (const TokenId id : prompt.tokens) texts.push_back(bytes_of(tokenizer, id));
  json.member("prepend_bos", prompt.prepend_bos).row("tokens", prompt.tokens);
  json.row("str_tokens", texts);
}

void write_token(JsonWriter& json, TokenId id, const Tokenizer* tokenizer) {
  const auto bytes = bytes_of(tokenizer, id);
  json.member("id", id).member("token", bytes);
  if (!bytes || !find_invalid_utf8(*bytes)) return;
  json.row("bytes", std::vector<unsigned char>(bytes->begin(), bytes->end()));
}

}  // namespace patchbay::cli
