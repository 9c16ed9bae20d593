// Induction (Olsson et al. 2022, arXiv 2209.11895): random tokens, and the same ones again.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "patchbay/prompts/python_random.h"
#include "patchbay/tasks/words_common.h"

namespace patchbay::tasks {

const Task& induction();

namespace {

constexpr std::int64_t kLongestCopy = 20;
constexpr std::int64_t kShortestCopy = 3;

// The tokens after BOS, where there is one.
PromptSide side(const Prompt& bos, Prompt tokens, std::int64_t length) {
  tokens.insert(tokens.begin(), bos.begin(), bos.end());
  const auto first = static_cast<std::int32_t>(bos.size());
  const auto next = first + static_cast<std::int32_t>(length) - 1;
  return {.text = "",
          .tokens = tokens,
          .positions = {next - 1, next, static_cast<std::int32_t>(tokens.size()) - 1}};
}

PromptSet make(const TaskModel& model, const CompletedOptions& options) {
  PromptBuilder builder = start(induction(), model, options);
  const Prompt bos = beginning(model, options.prepend_bos, "induction");
  const std::vector<TokenId> vocabulary = ordinary_tokens(model);
  // The second copy ends before its last token, which is the answer.
  const auto room = (model.cfg.n_ctx - static_cast<std::int64_t>(bos.size()) + 1) / 2;
  const auto choice = static_cast<std::int64_t>(vocabulary.size()) / 2;  // two copies may differ
  const std::int64_t length = std::min({kLongestCopy, room, choice});
  if (length < kShortestCopy) {
    throw Error(
        ErrorKind::kBadData, "induction",
        fmt::format("{} has {} positions and {} ordinary tokens, too few for {} tokens twice; take "
                    "another model",
                    model.cfg.model_name, model.cfg.n_ctx, vocabulary.size(), kShortestCopy));
  }
  if (length < kLongestCopy) {
    builder.warn(fmt::format(
        "{} tokens are repeated instead of {}, because {} reads {} positions "
        "and has {} ordinary tokens",
        length, kLongestCopy, model.cfg.model_name, model.cfg.n_ctx, vocabulary.size()));
  }
  const auto count = static_cast<std::size_t>(length);
  PythonRandom random(options.seed);
  while (builder.size() < options.prompts) {
    const std::vector<TokenId> drawn = random.sample(vocabulary, 2 * count);
    const Prompt copy(drawn.begin(), drawn.begin() + length);
    Prompt first = copy;
    if (options.corruption == "first_copy") {
      first.assign(drawn.begin() + length, drawn.end());
    } else {
      first.back() = drawn.back();
    }
    const auto then_copy = [&](Prompt tokens) {
      tokens.insert(tokens.end(), copy.begin(), copy.end() - 1);
      return tokens;
    };
    builder.add(builder.next(), side(bos, then_copy(copy), length),
                side(bos, then_copy(first), length),
                {.right = {copy.back()}, .wrong = {first.back()}}, "repeat");
  }
  return std::move(builder).finish();
}

constexpr Choice kCorruptions[] = {
    {"next", "another token at B1, which is then what induction predicts"},
    {"first_copy", "other tokens in the whole first copy, so there is nothing to continue"},
};
constexpr Choice kPositions[] = {
    {"A1", "the first occurrence of the last token"},
    {"B1", "the token after it, which is the answer"},
    {"END", "the last token, the second occurrence"},
};

}  // namespace

const Task& induction() {
  static const Task kTask = {
      .name = "induction",
      .summary = "20 random tokens and again the first 19 of them, then the 20th",
      .prompts = 50,
      .seed = 0,
      .corruptions = kCorruptions,
      .positions = kPositions,
      .notes =
          "Olsson et al. 2022, arXiv 2209.11895. The prompts are token ids, so no tokenizer is "
          "needed; special tokens are never drawn, and no token twice. Wrong is the token that "
          "the corrupted prompt has at B1.",
      .maker = &make};
  return kTask;
}

}  // namespace patchbay::tasks
