// patchbay tokens: the tokens of a text, as a model's tokenizer reads it.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/model_source.h"
#include "cli/output.h"
#include "patchbay/base/error.h"

namespace patchbay::cli {
namespace {

// The one token of the text, or the error that to_single_token gives.
TokenizedPrompt single_token(const ShowTokens& command, const Tokenizer& tokenizer) {
  PromptOptions plain = command.prompt;
  plain.bos = false;
  TokenizedPrompt prompt = tokenize(plain, &tokenizer, command.model);
  if (prompt.tokens.size() != 1) {
    prompt.tokens = {tokenizer.to_single_token(tokenizer.to_string(prompt.tokens))};
  }
  return prompt;
}

}  // namespace

int run(const ShowTokens& command) {
  const std::optional<Tokenizer> tokenizer = load_tokenizer(locate_model(command.model).path);
  const Tokenizer* known = tokenizer ? &*tokenizer : nullptr;
  const bool bos_or_ids = command.prompt.tokens || command.prompt.bos.value_or(false);
  if (command.single && (bos_or_ids || known == nullptr)) {
    throw Error(
        ErrorKind::kUsage, "--single",
        "needs a text without BOS, and a model with a tokenizer; leave --bos and --tokens away");
  }
  const TokenizedPrompt prompt = command.single ? single_token(command, *known)
                                                : tokenize(command.prompt, known, command.model);
  if (known != nullptr) {
    for (const TokenId id : prompt.tokens) static_cast<void>(known->token_bytes(id));
  }
  message(command.common, prompt.summary());
  if (!command.common.json) {
    Table table({{"position", Table::Align::kRight}, {"id", Table::Align::kRight}, {"token"}});
    for (std::size_t i = 0; i < prompt.tokens.size(); ++i) {
      const TokenId id = prompt.tokens[i];
      table.add({std::to_string(i), std::to_string(id), token_text(known, id)});
    }
    write_output(table.str());
    return 0;
  }
  JsonWriter json;
  json.begin_object();
  write_prompt(json, prompt, known);
  json.key("positions").begin_array();
  for (std::size_t i = 0; i < prompt.tokens.size(); ++i) {
    json.begin_object(JsonLayout::kInline).member("position", i);
    write_token(json, prompt.tokens[i], bytes_of(known, prompt.tokens[i]));
    json.end_object();
  }
  write_output(json.end_array().end_object().take());
  return 0;
}

}  // namespace patchbay::cli
