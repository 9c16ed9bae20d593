// patchbay predict: the most likely next tokens after a prompt, and greedy generation.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "cli/interruption.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "patchbay/base/error.h"
#include "patchbay/base/version.h"
#include "patchbay/hub/load_model.h"
#include "patchbay/model/generate.h"
#include "patchbay/model/weight_processing.h"

namespace patchbay::cli::verbs {

const Verb& predict();

namespace {

// What the model says of a prompt, and what was asked about it.
struct Prediction {
  std::string model;
  std::vector<std::string> processing;  // of its weights
  const Tokenizer* tokenizer;
  TokenizedPrompt prompt;
  std::vector<TokenId> answers;
  std::optional<Generated> generated{};
  NextToken next{};
  std::vector<TokenId> top{};

  [[nodiscard]] std::string about() const {
    return fmt::format(
        "{}: {}{}", model, prompt.summary(),
        processing.empty() ? "" : fmt::format("; weights: {}", fmt::join(processing, ", ")));
  }
  // The bytes of all generated tokens; ids between spaces where there is no tokenizer.
  [[nodiscard]] std::string generated_text() const {
    if (tokenizer == nullptr) return fmt::format("{}", fmt::join(generated->tokens, " "));
    std::string text;
    for (const TokenId id : generated->tokens) text += bytes_of(tokenizer, id).value_or("?");
    return text;
  }
};

std::string probability_text(float probability) {
  constexpr float kSmall = 1e-4F;
  return probability < kSmall ? fmt::format("{:.2e}", probability)
                              : fmt::format("{:.6f}", probability);
}

std::string table_of(const Prediction& said, const std::vector<TokenId>& ids) {
  constexpr auto kRight = Table::Align::kRight;
  Table table(
      {{"rank", kRight}, {"token"}, {"id", kRight}, {"logit", kRight}, {"probability", kRight}});
  for (const TokenId id : ids) {
    table.add({std::to_string(said.next.rank(id)), token_text(said.tokenizer, id),
               std::to_string(id), fmt::format("{:.4f}", said.next.logits(id)),
               probability_text(said.next.probabilities(id))});
  }
  return table.str();
}

std::string text_of(const Prediction& said) {
  std::string text = heading("prompt:");
  for (const TokenId id : said.prompt.tokens) text += " " + token_text(said.tokenizer, id);
  text += "\n\n" + table_of(said, said.top);
  if (said.answers.empty()) return text;
  return text + fmt::format("\n{}\n{}", heading("answers:"), table_of(said, said.answers));
}

void write_rows(JsonWriter& json, std::string_view name, const Prediction& said,
                const std::vector<TokenId>& ids) {
  json.key(name).begin_array();
  for (const TokenId id : ids) {
    json.begin_object(JsonLayout::kInline).member("rank", said.next.rank(id));
    write_token(json, id, said.tokenizer);
    json.member("logit", said.next.logits(id)).member("probability", said.next.probabilities(id));
    json.member("log_probability", said.next.log_probabilities(id)).end_object();
  }
  json.end_array();
}

std::string json_of(const Prediction& said) {
  JsonWriter json;
  json.begin_object().member("patchbay", std::string_view(kVersion)).member("model", said.model);
  json.row("weight_processing", said.processing);
  write_prompt(json, said.prompt, said.tokenizer);
  write_rows(json, "top", said, said.top);
  write_rows(json, "answers", said, said.answers);
  if (said.generated) {
    json.key("generated").begin_object().row("tokens", said.generated->tokens);
    json.member("text", said.generated_text());
    json.member("stopped_at_eos", said.generated->stopped_at_eos).end_object();
  }
  return json.end_object().take();
}

std::vector<TokenId> answers_of(const Given& given, const HookedTransformer& model) {
  std::vector<TokenId> ids;
  for (const std::string& answer : given.all("--answer")) {
    if (!model.has_tokenizer()) {
      throw no_tokenizer(model.cfg(), "--answer",
                         "an answer cannot be text, so leave --answer away");
    }
    ids.push_back(model.tokenizer().to_single_token(answer));
  }
  return ids;
}

int run_given(const Given& given) {
  constexpr std::int64_t kMost = 1'000'000'000;
  const std::string name = model_of(given);
  const PromptWords words = prompt_of(given);
  const WeightProcessing process = process_of(given);
  const std::int64_t top_k = given.integer("--top-k", 1, kMost).value_or(10);
  const auto count = given.integer("--generate", 1, kMost);
  const bool as_json = given.flag("--json");
  if (count && !as_json && (given.flag("--top-k") || given.flag("--answer"))) {
    given.fail("--generate prints text alone; add --json to have --top-k or --answer beside it");
  }

  const InterruptibleContext ctx(threads_of(given));
  const HookedTransformer model = hub::load_model(ctx, hub::find_model(name), process);
  const Tokenizer* tokenizer = model.has_tokenizer() ? &model.tokenizer() : nullptr;
  Prediction said{.model = model.cfg().model_name,
                  .processing = names_of(model.weights().processing),
                  .tokenizer = tokenizer,
                  .prompt = tokenize(words, tokenizer, model.cfg()),
                  .answers = answers_of(given, model)};
  if (count) said.generated = generate(ctx, model, said.prompt.tokens, *count);
  if (count && !as_json) {
    message(said.about());
    write_output(printable(said.generated_text()) + "\n");
    if (said.generated->stopped_at_eos) message("stopped at the end-of-text token");
    return 0;
  }
  said.next = next_token(ctx, model, said.prompt.tokens);
  said.top = said.next.order;
  said.top.resize(std::min(said.top.size(), static_cast<std::size_t>(top_k)));
  message(said.about());
  write_output(as_json ? json_of(said) : text_of(said));
  return 0;
}

}  // namespace

const Verb& predict() {
  static const Verb verb = {
      .place = 40,
      .path = "predict",
      .what = "the most likely next tokens after a prompt",
      .examples =
          "patchbay predict --model tests/golden/tiny-gpt2 \"When Mary and John went to the\"\n"
          "patchbay predict --model tests/golden/tiny-gpt2 --top-k 3 --answer \" in\" --answer "
          "\" of\" \"Mary and John went\"\n"
          "patchbay predict --model tests/golden/tiny-gpt2 --generate 8 \"Mary went to the\"\n"
          "patchbay predict --model tests/golden/tiny-gpt2 --tokens 299,262,290 --process all "
          "--json",
      .options =
          together({prompt_options(),
                    {{"-k,--top-k", "N", "how many tokens to list (10)"},
                     {"--answer", "TOKEN", "logit, probability and rank of this token; repeatable"},
                     {"--generate", "N",
                      "print the N most likely tokens that follow, one after the other, as text"}},
                    process_option(),
                    model_option()}),
      .run = run_given};
  return verb;
}

}  // namespace patchbay::cli::verbs
