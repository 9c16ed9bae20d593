// patchbay predict: the most likely next tokens after a prompt, and greedy generation.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "cli/commands.h"
#include "cli/interruption.h"
#include "cli/model_source.h"
#include "cli/output.h"
#include "patchbay/base/error.h"
#include "patchbay/base/version.h"
#include "patchbay/model/weight_processing.h"
#include "patchbay/tensor/softmax.h"

namespace patchbay::cli {
namespace {

// The next token's distribution.
struct Prediction {
  Tensor logits;               // [1, d_vocab]
  Tensor probabilities;        // [1, d_vocab]
  Tensor log_probabilities;    // [1, d_vocab]
  std::vector<TokenId> order;  // by falling logit; equal ones by id

  [[nodiscard]] std::int64_t rank(TokenId id) const {
    return std::ranges::find(order, id) - order.begin() + 1;
  }
};

Prediction predict_next(const RunContext& ctx, const HookedTransformer& model,
                        const Prompt& tokens) {
  Prediction next;
  next.logits = std::move(model.run(ctx, {tokens}, {.logits = Demand::At::kLastPosition}).values);
  next.probabilities = Tensor::uninitialized(next.logits.shape());
  next.log_probabilities = Tensor::uninitialized(next.logits.shape());
  softmax(ctx, next.logits, next.probabilities);
  log_softmax(ctx, next.logits, next.log_probabilities);
  next.order.resize(static_cast<std::size_t>(next.logits.size()));
  std::iota(next.order.begin(), next.order.end(), 0);
  std::ranges::stable_sort(next.order, std::ranges::greater(),
                           [&](TokenId id) { return next.logits.data()[id]; });
  return next;
}

struct Generated {
  std::vector<TokenId> tokens;
  bool stopped_at_eos = false;
};

// The most likely token again and again; of equally likely ones, the lowest id.
Generated generate(const RunContext& ctx, const HookedTransformer& model, Prompt tokens,
                   std::int64_t count) {
  Generated generated;
  const auto length = static_cast<std::int64_t>(tokens.size());
  if (length + count - 1 > model.cfg().n_ctx) {
    throw Error(
        ErrorKind::kUsage, "--generate",
        fmt::format("{} tokens after a prompt of {} need {} positions; {} reads at most {}", count,
                    length, length + count - 1, model.cfg().model_name, model.cfg().n_ctx));
  }
  while (static_cast<std::int64_t>(generated.tokens.size()) < count) {
    const Tensor logits =
        std::move(model.run(ctx, {tokens}, {.logits = Demand::At::kLastPosition}).values);
    const auto best =
        static_cast<TokenId>(std::ranges::max_element(logits.flat()) - logits.flat().begin());
    if (best == model.cfg().eos_token_id) {
      generated.stopped_at_eos = true;
      break;
    }
    generated.tokens.push_back(best);
    tokens.push_back(best);
  }
  return generated;
}

// The bytes of all tokens; ids between spaces where there is no tokenizer.
std::string text_of(const std::vector<TokenId>& tokens, const Tokenizer* tokenizer) {
  if (tokenizer == nullptr) return fmt::format("{}", fmt::join(tokens, " "));
  std::string text;
  for (const TokenId id : tokens) text += bytes_of(tokenizer, id).value_or("?");
  return text;
}

std::string probability_text(float probability) {
  constexpr float kSmall = 1e-4F;
  return probability < kSmall ? fmt::format("{:.2e}", probability)
                              : fmt::format("{:.6f}", probability);
}

std::string table_of(const Prediction& next, std::span<const TokenId> ids,
                     const Tokenizer* tokenizer) {
  constexpr auto kRight = Table::Align::kRight;
  Table table(
      {{"rank", kRight}, {"token"}, {"id", kRight}, {"logit", kRight}, {"probability", kRight}});
  for (const TokenId id : ids) {
    table.add({std::to_string(next.rank(id)), token_text(tokenizer, id), std::to_string(id),
               fmt::format("{:.4f}", next.logits.data()[id]),
               probability_text(next.probabilities.data()[id])});
  }
  return table.str();
}

void write_rows(JsonWriter& json, std::string_view name, const Prediction& next,
                std::span<const TokenId> ids, const Tokenizer* tokenizer) {
  json.key(name).begin_array();
  for (const TokenId id : ids) {
    json.begin_object(JsonLayout::kInline).member("rank", next.rank(id));
    write_token(json, id, bytes_of(tokenizer, id));
    json.member("logit", next.logits.data()[id]);
    json.member("probability", next.probabilities.data()[id]);
    json.member("log_probability", next.log_probabilities.data()[id]).end_object();
  }
  json.end_array();
}

std::vector<TokenId> answers_of(const Predict& command, const Tokenizer* tokenizer) {
  std::vector<TokenId> ids;
  if (command.answers.empty()) return ids;
  if (tokenizer == nullptr) {
    throw Error(
        ErrorKind::kNoInput, "--answer",
        fmt::format("{}: has no tokenizer, so an answer cannot be text; leave --answer away",
                    command.model));
  }
  for (const std::string& answer : command.answers) {
    ids.push_back(tokenizer->to_single_token(answer));
  }
  return ids;
}

}  // namespace

int run(const Predict& command) {
  const InterruptibleContext ctx(command.common.threads);
  const HookedTransformer model = open_model(ctx, command.model, command.process);
  const Tokenizer* tokenizer = model.has_tokenizer() ? &model.tokenizer() : nullptr;
  const TokenizedPrompt prompt = tokenize(command.prompt, tokenizer, command.model);
  const std::vector<TokenId> answers = answers_of(command, tokenizer);
  const std::vector<std::string> processing = names_of(model.weights().processing);
  const std::string about = fmt::format(
      "{}: {}{}", model.cfg().model_name, prompt.summary(),
      processing.empty() ? "" : fmt::format("; weights: {}", fmt::join(processing, ", ")));
  const Generated generated =
      command.generate > 0 ? generate(ctx, model, prompt.tokens, command.generate) : Generated{};
  if (command.generate > 0 && !command.common.json) {
    message(command.common, about);
    write_output(printable(text_of(generated.tokens, tokenizer)) + "\n");
    if (generated.stopped_at_eos) message(command.common, "stopped at the end-of-text token");
    return 0;
  }

  const Prediction next = predict_next(ctx, model, prompt.tokens);
  message(command.common, about);
  const std::span<const TokenId> top(
      next.order.data(), std::min(next.order.size(), static_cast<std::size_t>(command.top_k)));
  if (!command.common.json) {
    std::vector<std::string> texts;
    for (const TokenId id : prompt.tokens) texts.push_back(token_text(tokenizer, id));
    std::string text = fmt::format("{} {}\n\n", heading("prompt:"), fmt::join(texts, " "));
    text += table_of(next, top, tokenizer);
    if (!answers.empty()) {
      text += fmt::format("\n{}\n{}", heading("answers:"), table_of(next, answers, tokenizer));
    }
    write_output(text);
    return 0;
  }
  JsonWriter json;
  json.begin_object().member("patchbay", std::string_view(kVersion));
  json.member("model", model.cfg().model_name);
  write_strings(json, "weight_processing", processing);
  write_prompt(json, prompt, tokenizer);
  write_rows(json, "top", next, top, tokenizer);
  write_rows(json, "answers", next, answers, tokenizer);
  if (command.generate > 0) {
    json.key("generated").begin_object();
    write_integers(json, "tokens", generated.tokens);
    json.member("text", text_of(generated.tokens, tokenizer));
    json.member("stopped_at_eos", generated.stopped_at_eos).end_object();
  }
  write_output(json.end_object().take());
  return 0;
}

}  // namespace patchbay::cli
