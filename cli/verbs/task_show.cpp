// patchbay task show: the prompts of a task as a model reads them, with answers and named
// positions.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/running.h"
#include "patchbay/base/version.h"
#include "patchbay/base/visible_text.h"
#include "patchbay/hub/load_model.h"
#include "patchbay/tasks/task.h"

namespace patchbay::cli::verbs {

const Verb& task_show();

namespace {

std::string tokens_text(const Tokenizer* tokenizer, std::span<const TokenId> ids) {
  std::vector<std::string> words;
  for (const TokenId id : ids) {
    words.push_back(tokenizer == nullptr ? std::to_string(id) : token_text(tokenizer, id));
  }
  return fmt::format("{}", fmt::join(words, " "));
}

// The tokens of one side; of many, the first and the last.
std::string answers_text(const Tokenizer* tokenizer, std::span<const TokenId> ids) {
  constexpr std::size_t kMost = 8;
  if (ids.empty()) return "none";
  if (ids.size() <= kMost) return tokens_text(tokenizer, ids);
  return fmt::format("{} … {} ({} tokens)", tokens_text(tokenizer, ids.first(2)),
                     tokens_text(tokenizer, ids.last(1)), ids.size());
}

std::string at_position(const Tokenizer* tokenizer, const Prompt& tokens, const TokenSpan& span) {
  if (!span.is_there()) return "none";
  const std::string where =
      span.size() == 1 ? std::to_string(span.first) : fmt::format("{}-{}", span.first, span.last);
  return fmt::format(
      "{} {}", where,
      tokens_text(tokenizer, std::span(tokens).subspan(static_cast<std::size_t>(span.first),
                                                       static_cast<std::size_t>(span.size()))));
}

std::string text_of(const PromptSet& set, std::size_t number, const Tokenizer* tokenizer) {
  const PromptPair& pair = set.pairs[number];
  std::string text =
      fmt::format("{} ({}{}{})\n", heading(fmt::format("prompt {}", number)), pair.group,
                  pair.group.empty() ? "" : ", ", count_text(pair.clean.size()));
  const auto side = [&](const char* name, const std::string& prompt, const Prompt& tokens) {
    if (!prompt.empty()) text += fmt::format("  {:<9}  {}\n", name, quoted_text(prompt));
    text +=
        fmt::format("  {:<9}  {}\n", prompt.empty() ? name : "", tokens_text(tokenizer, tokens));
  };
  side("clean", pair.clean_text, pair.clean);
  if (pair.has_corrupted()) {
    side("corrupted", pair.corrupted_text, pair.corrupted);
  } else {
    text += fmt::format("  {:<9}  none\n", "corrupted");
  }
  text += fmt::format("  {:<9}  {}\n", "answer", answers_text(tokenizer, pair.answers));
  text += fmt::format("  {:<9}  {}\n", "wrong", answers_text(tokenizer, pair.wrongs));
  for (std::size_t i = 0; i < set.position_names.size(); ++i) {
    text += fmt::format("  {:<9}  {} | {}\n", set.position_names[i],
                        at_position(tokenizer, pair.clean, pair.positions[i]),
                        at_position(tokenizer, pair.corrupted, pair.corrupted_positions[i]));
  }
  return text;
}

void write_positions(JsonWriter& json, std::string_view name, const PromptSet& set,
                     std::span<const TokenSpan> positions) {
  json.key(name).begin_object(JsonLayout::kInline);
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const TokenSpan& span = positions[i];
    if (span.size() > 1) {
      json.row(set.position_names[i], std::vector{span.first, span.last});
      continue;
    }
    json.key(set.position_names[i]);
    span.is_there() ? json.value(span.first) : json.null();
  }
  json.end_object();
}

std::string json_of(const PromptSet& set, const tasks::CompletedOptions& options,
                    const std::string& model) {
  JsonWriter json;
  json.begin_object().member("patchbay", std::string_view(kVersion)).member("task", set.task);
  json.member("model", model).member("prepend_bos", set.prepend_bos);
  json.member("seed", tasks::find(set.task).seed ? std::optional(options.seed) : std::nullopt);
  json.text_or_null("corruption", options.corruption);
  json.text_or_null("prompt_type", options.prompt_type);
  json.member("collisions", options.collisions).row("position_names", set.position_names);
  json.key("prompts").begin_array();
  for (const PromptPair& pair : set.pairs) {
    json.begin_object().text_or_null("clean", pair.clean_text);
    json.text_or_null("corrupted", pair.corrupted_text);
    json.row("clean_tokens", pair.clean).row("corrupted_tokens", pair.corrupted);
    json.row("answers", pair.answers).row("wrongs", pair.wrongs).member("group", pair.group);
    write_positions(json, "positions", set, pair.positions);
    write_positions(json, "corrupted_positions", set, pair.corrupted_positions);
    json.end_object();
  }
  return json.end_array().row("warnings", set.warnings).end_object().take();
}

int run_given(const Given& given) {
  const std::string name = given.one("--model").value_or("ioi-small");
  const runs::TaskChoice task = task_of(given, "NAME");
  const hub::FoundModel found = hub::find_model(name);
  HookedTransformerConfig cfg = hub::load_config(found);
  const std::optional<Tokenizer> tokenizer = load_tokenizer(found.path, cfg);
  const Tokenizer* known = tokenizer ? &*tokenizer : nullptr;
  const tasks::TaskModel model = {.cfg = cfg, .tokenizer = known};
  const auto options = tasks::completed(model, task.name, task.options);
  const PromptSet set = make_prompts(model, task.name, task.options);
  tell_prompts(set, options);
  if (given.flag("--json")) {
    write_output(json_of(set, options, cfg.model_name));
    return 0;
  }
  for (std::size_t i = 0; i < set.pairs.size(); ++i) {
    write_output((i == 0 ? "" : "\n") + text_of(set, i, known));
  }
  return 0;
}

}  // namespace

const Verb& task_show() {
  static const Verb verb = {
      .place = 62,
      .path = "task show",
      .what = "the prompts of a task, as a model reads them",
      .examples =
          "patchbay task show ioi_lab --prompts 2\n"
          "patchbay task show ioi --prompt-type ABBA --corruption 'S2->IO' --seed 7 "
          "--prompts 3 --bos --json\n"
          "patchbay task show induction --model tests/golden/tiny-gpt2 --prompts 1",
      .options =
          together({{{"NAME", "", "a task such as ioi, or file:PATH with pairs of your own"}},
                    model_option(),
                    task_options()}),
      .run = run_given};
  return verb;
}

}  // namespace patchbay::cli::verbs
