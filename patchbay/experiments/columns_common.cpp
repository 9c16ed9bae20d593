#include "patchbay/experiments/columns_common.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <variant>

#include "patchbay/results/token_list.h"

namespace patchbay::experiments {
namespace {

// The text that was given, or the tokens where none was.
std::string prompt_text(const HookedTransformer& model, const std::string& text,
                        const Prompt& tokens) {
  return text.empty() ? token_list(model, tokens) : text;
}

}  // namespace

std::string token_text(const HookedTransformer& model, TokenId token) {
  if (!model.has_tokenizer() || !model.tokenizer().has_token(token)) {
    return std::to_string(token);
  }
  return std::string(model.tokenizer().token_bytes(token));
}

std::string token_list(const HookedTransformer& model, std::span<const TokenId> tokens) {
  constexpr std::size_t kMost = 100;
  if (tokens.size() > kMost) {
    return join_tokens(std::vector<std::string>{token_text(model, tokens.front()), "…",
                                                token_text(model, tokens.back())});
  }
  std::vector<std::string> texts;
  for (const TokenId token : tokens) texts.push_back(token_text(model, token));
  return join_tokens(texts);
}

std::vector<TextColumn> prompt_columns(const HookedTransformer& model, const PromptSet& prompts) {
  std::vector<TextColumn> columns = {
      {"clean", {}},        {"corrupted", {}},        {"answer", {}},     {"wrong", {}},
      {"clean tokens", {}}, {"corrupted tokens", {}}, {"answer ids", {}}, {"wrong ids", {}}};
  for (const PromptPair& pair : prompts.pairs) {
    columns[0].texts.push_back(prompt_text(model, pair.clean_text, pair.clean));
    columns[1].texts.push_back(prompt_text(model, pair.corrupted_text, pair.corrupted));
    columns[2].texts.push_back(token_list(model, pair.answers));
    columns[3].texts.push_back(token_list(model, pair.wrongs));
    columns[4].texts.push_back(token_list(model, pair.clean));
    columns[5].texts.push_back(token_list(model, pair.corrupted));
    columns[6].texts.push_back(fmt::format("{}", fmt::join(pair.answers, " ")));
    columns[7].texts.push_back(fmt::format("{}", fmt::join(pair.wrongs, " ")));
  }
  const bool no_corrupted = std::ranges::none_of(
      prompts.pairs, [](const PromptPair& pair) { return pair.has_corrupted(); });
  if (no_corrupted) {
    std::erase_if(columns,
                  [](const TextColumn& column) { return column.name.starts_with("corrupted"); });
  }
  for (const PromptColumn& column : prompts.columns) {
    const bool is_taken =
        std::ranges::find(columns, column.name, &TextColumn::name) != columns.end();
    columns.push_back({is_taken ? "file's " + column.name : column.name,
                       {column.texts.begin(), column.texts.begin() + prompts.size()}});
  }
  return columns;
}

std::vector<std::string> side_names(const PromptSet& prompts) {
  std::vector<std::string> names = {"clean"};
  if (prompts.has_corrupted()) names.emplace_back("corrupted");
  return names;
}

void show_raw_without_corrupted(EffectTable& table) {
  if (!table.baselines.corrupted.empty() || table.has_effect(table.effect)) return;
  table.notes.push_back(
      fmt::format("effects are raw, patched less unpatched: {} is of a gap between clean and "
                  "corrupted prompts, and not every prompt has a corrupted one",
                  name_of(table.effect)));
  table.effect = EffectKind::kRaw;
}

void note_spans(EffectTable& table, const PromptSet& prompts,
                const std::vector<NamedPosition>& names) {
  for (const NamedPosition& position : names) {
    const std::string tokens = prompts.tokens_text(position);
    if (tokens.empty()) continue;
    const std::string name = prompts.text_of(position);
    table.notes.push_back(fmt::format("{} is {}, taken together; {}:first and {}:last are its ends",
                                      name, tokens, name, name));
  }
}

void note_lone_templates(EffectTable& table, const PromptSet& prompts) {
  const auto source = std::ranges::find(table.options, std::string_view("source"), &Option::name);
  if (source == table.options.end()) return;
  const auto* kind = std::get_if<std::string>(&source->value);
  if (kind == nullptr || *kind != "mean_by_template") return;
  std::map<std::pair<std::size_t, std::string>, std::int64_t> counts;
  for (const PromptPair& pair : prompts.pairs) ++counts[{pair.clean.size(), pair.group}];
  const auto lone = std::ranges::count_if(counts, [](const auto& one) { return one.second == 1; });
  if (lone == 0) return;
  table.notes.push_back(
      fmt::format("{} of {} prompts {} alone in {} template: the mean over the template is of one "
                  "prompt there",
                  lone, prompts.size(), lone == 1 ? "is" : "are", lone == 1 ? "its" : "their"));
}

Logits last_logits(const RunContext& ctx, const HookedTransformer& model,
                   const std::vector<Prompt>& prompts) {
  return model.run(ctx, prompts, {.logits = Demand::At::kLastPosition});
}

}  // namespace patchbay::experiments
