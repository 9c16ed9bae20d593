// What tasks made of words share: a builder with the task's names, and the words that can be drawn.
#include "patchbay/tasks/words_common.h"

#include <fmt/format.h>

#include <algorithm>

#include "patchbay/base/error.h"

namespace patchbay::tasks {

PromptBuilder start(const Task& task, const TaskModel& model, const CompletedOptions& options) {
  PromptSet set;
  set.task = task.name;
  if (!task.argument.empty()) set.task += ":" + options.argument;
  set.prepend_bos = options.prepend_bos;
  for (const Choice& position : task.positions) {
    if (position.name != "END") set.position_names.emplace_back(position.name);
  }
  return {model.cfg, model.tokenizer, std::move(set)};
}

std::vector<std::string_view> DrawableWords::keep(std::span<const std::string_view> words,
                                                  std::string_view kind, std::size_t least) {
  std::vector<std::string_view> kept;
  for (const std::string_view word : words) {
    if (tokenizer_.to_tokens(after_space(word), {.prepend_bos = false}).size() == 1) {
      kept.push_back(word);
    }
  }
  if (kept.size() < least) {
    throw Error(
        ErrorKind::kBadData, task_.name,
        fmt::format("{} of {} {} are one token after a space for this tokenizer, and {} are "
                    "needed; its vocabulary is too small for this task",
                    kept.size(), words.size(), kind, least));
  }
  if (kept.size() < words.size()) {
    left_out_.push_back(fmt::format("{} of {} {}", words.size() - kept.size(), words.size(), kind));
  }
  return kept;
}

std::string DrawableWords::warning() const {
  if (left_out_.empty()) return "";
  return fmt::format("{} are never drawn, because they are several tokens after a space",
                     fmt::join(left_out_, ", "));
}

void warn_of(const DrawableWords& words, PromptBuilder& builder) {
  if (std::string warning = words.warning(); !warning.empty()) builder.warn(std::move(warning));
}

Prompt beginning(const TaskModel& model, bool prepend_bos, std::string_view where) {
  if (!prepend_bos) return {};
  if (model.tokenizer != nullptr) return model.tokenizer->to_tokens("", {.prepend_bos = true});
  if (model.cfg.bos_token_id) return {*model.cfg.bos_token_id};
  throw Error(ErrorKind::kUsage, where,
              fmt::format("{} has no token of the beginning; omit BOS", model.cfg.model_name));
}

std::vector<TokenId> ordinary_tokens(const TaskModel& model) {
  std::vector<TokenId> tokens;
  for (std::int64_t i = 0; i < model.cfg.d_vocab; ++i) {
    const auto id = static_cast<TokenId>(i);
    if (id == model.cfg.bos_token_id || id == model.cfg.eos_token_id) continue;
    if (model.tokenizer != nullptr &&
        (!model.tokenizer->has_token(id) ||
         std::ranges::find(model.tokenizer->special_tokens(), id, &AddedToken::id) !=
             model.tokenizer->special_tokens().end())) {
      continue;
    }
    tokens.push_back(id);
  }
  return tokens;
}

std::string after_space(std::string_view word) {
  std::string text = " ";
  return text += word;
}

}  // namespace patchbay::tasks
