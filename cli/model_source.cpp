// What verbs take from --model and from the prompt.
#include "cli/model_source.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "cli/interruption.h"
#include "cli/output.h"
#include "patchbay/base/error.h"
#include "patchbay/hub/load_model.h"

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

}  // namespace

hub::FoundModel locate_model(const std::string& model) {
  return hub::find_model(model, hub::settings_from());
}

HookedTransformerConfig config_of(const std::string& model) {
  return hub::load_config(locate_model(model));
}

HookedTransformer open_model(const RunContext& ctx, const std::string& model,
                             const WeightProcessing& process) {
  return hub::load_model(ctx, locate_model(model), process);
}

std::string TokenizedPrompt::summary() const {
  const std::string count = fmt::format("{} token{}", tokens.size(), tokens.size() == 1 ? "" : "s");
  if (!prepend_bos) return count + " as given";
  return count + (*prepend_bos ? " with BOS" : " without BOS");
}

TokenizedPrompt tokenize(const PromptOptions& prompt, const Tokenizer* tokenizer,
                         const std::string& model) {
  if (prompt.tokens) return {*prompt.tokens, std::nullopt};
  if (tokenizer == nullptr) {
    throw Error(ErrorKind::kNoInput, "tokenizer",
                fmt::format("{}: has no tokenizer, so the prompt cannot be text; put its "
                            "tokenizer.json beside the weights, or give --tokens 1,2,3",
                            model));
  }
  const std::string text = *prompt.text == "-" ? read_standard_input() : *prompt.text;
  const bool bos = prompt.bos.value_or(tokenizer->bos_token_id().has_value());
  return {tokenizer->to_tokens(text, {.prepend_bos = bos, .parse_special = prompt.special}), bos};
}

std::optional<std::string> bytes_of(const Tokenizer* tokenizer, TokenId id) {
  if (tokenizer == nullptr || !tokenizer->has_token(id)) return std::nullopt;
  return tokenizer->token_bytes(id);
}

std::string token_text(const Tokenizer* tokenizer, TokenId id) {
  const auto bytes = bytes_of(tokenizer, id);
  return bytes ? quote(*bytes) : "?";
}

void write_prompt(JsonWriter& json, const TokenizedPrompt& prompt, const Tokenizer* tokenizer) {
  if (prompt.prepend_bos) {
    json.member("prepend_bos", *prompt.prepend_bos);
  } else {
    json.key("prepend_bos").null();
  }
  write_integers(json, "tokens", prompt.tokens);
  json.key("str_tokens").begin_array(JsonLayout::kInline);
  for (const TokenId id : prompt.tokens) {
    const auto bytes = bytes_of(tokenizer, id);
    bytes ? json.value(*bytes) : json.null();
  }
  json.end_array();
}

}  // namespace patchbay::cli
