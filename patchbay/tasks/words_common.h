// What tasks made of words share: a builder with the task's names, and the words that can be drawn.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/prompts/prompt_builder.h"
#include "patchbay/tasks/task.h"

namespace patchbay::tasks {

/// A builder for the task's prompts, with its name, its positions and the BOS that was chosen.
PromptBuilder start(const Task& task, const TaskModel& model, const CompletedOptions& options);

/// The words that are one token after a space, so that whichever is drawn, the prompt has the same
/// length. What is left out is counted for one warning.
class DrawableWords {
 public:
  DrawableWords(const Task& task, const Tokenizer& tokenizer)
      : task_(task), tokenizer_(tokenizer) {}

  /// Those of `words`, called `kind` ("names"), in their order. Throws kBadData when there are
  /// fewer than `least`.
  std::vector<std::string_view> keep(std::span<const std::string_view> words, std::string_view kind,
                                     std::size_t least);
  /// "3 of 99 names are never drawn, because …"; empty when nothing was left out.
  [[nodiscard]] std::string warning() const;

 private:
  const Task& task_;
  const Tokenizer& tokenizer_;
  std::vector<std::string> left_out_;
};

/// Appends the warning, if there is one.
void warn_of(const DrawableWords& words, PromptBuilder& builder);

/// What prompts of random tokens begin with: BOS, or nothing without `prepend_bos`. Throws kUsage,
/// at the place `where`, for a model without one.
Prompt beginning(const TaskModel& model, bool prepend_bos, std::string_view where);

/// Every token but the special ones and those that begin or end a text.
std::vector<TokenId> ordinary_tokens(const TaskModel& model);

/// " Mary": the word as a token that follows a space.
std::string after_space(std::string_view word);

}  // namespace patchbay::tasks
