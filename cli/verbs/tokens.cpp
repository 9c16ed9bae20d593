// patchbay tokens: the tokens of a text, as a model's tokenizer reads it.
#include <fmt/format.h>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "patchbay/base/error.h"
#include "patchbay/families/family.h"
#include "patchbay/hub/find_model.h"

namespace patchbay::cli::verbs {

const Verb& tokens();

namespace {

// The one token of the text, or the error that to_single_token gives.
TokenizedPrompt single_token(PromptWords words, const Tokenizer& tokenizer,
                             const HookedTransformerConfig& cfg) {
  words.bos = false;
  TokenizedPrompt prompt = tokenize(words, &tokenizer, cfg);
  if (prompt.tokens.size() != 1) {
    prompt.tokens = {tokenizer.to_single_token(tokenizer.to_string(prompt.tokens))};
  }
  return prompt;
}

int run_given(const Given& given) {
  const std::string model = model_of(given);
  const PromptWords words = prompt_of(given);
  const bool single = given.flag("--single");
  HookedTransformerConfig cfg;  // of which the name alone is known: config.json need not be there
  cfg.model_name = model;
  const std::optional<Tokenizer> tokenizer = load_tokenizer(hub::find_model(model).path, cfg);
  const Tokenizer* known = tokenizer ? &*tokenizer : nullptr;
  if (single && (words.tokens || words.bos.value_or(false) || known == nullptr)) {
    throw Error(
        ErrorKind::kUsage, "--single",
        "needs a text without BOS, and a model with a tokenizer; leave --bos and --tokens away");
  }
  const TokenizedPrompt prompt =
      single ? single_token(words, *known, cfg) : tokenize(words, known, cfg);
  if (known != nullptr) {
    for (const TokenId id : prompt.tokens) static_cast<void>(known->token_bytes(id));
  }
  message(prompt.summary());
  Table table({{"position", Table::Align::kRight}, {"id", Table::Align::kRight}, {"token"}});
  JsonWriter json;
  json.begin_object();
  write_prompt(json, prompt, known);
  json.key("positions").begin_array();
  for (std::size_t i = 0; i < prompt.tokens.size(); ++i) {
    const TokenId id = prompt.tokens[i];
    table.add({std::to_string(i), std::to_string(id), token_text(known, id)});
    json.begin_object(JsonLayout::kInline).member("position", i);
    write_token(json, id, known);
    json.end_object();
  }
  json.end_array().end_object();
  write_output(given.flag("--json") ? json.take() : table.str());
  return 0;
}

}  // namespace

const Verb& tokens() {
  static const Verb verb = {
      .place = 30,
      .path = "tokens",
      .what = "the tokens of a text",
      .examples =
          "patchbay tokens --model tests/golden/tiny-gpt2 \"When Mary and John\"\n"
          "patchbay tokens --model tests/golden/tiny-gpt2 --single \" the\"\n"
          "printf 'Mary and\\nJohn' | patchbay tokens --model tests/golden/tiny-gpt2 "
          "--no-bos --json -",
      .options = together(
          {prompt_options(),
           {{"--single", "", "the one token that the text is, without BOS; else an error"}},
           model_option()}),
      .run = run_given};
  return verb;
}

}  // namespace patchbay::cli::verbs
