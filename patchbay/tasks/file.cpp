// Prompts from a file, named as "file:PATH".
#include "patchbay/prompts/prompt_file.h"
#include "patchbay/tasks/task.h"

namespace patchbay::tasks {

const Task& file();

namespace {

PromptSet make(const TaskModel& model, const CompletedOptions& options) {
  return read_prompt_file(options.argument, model.cfg, model.tokenizer,
                          {.prompts = options.prompts,
                           .prepend_bos = options.prepend_bos,
                           .parse_special = options.special,
                           .skip_unfit = options.skip_unfit,
                           .first_answer_token = options.first_answer_token});
}

constexpr Choice kPositions[] = {{"END", "the last token, after which the answer is due"}};

}  // namespace

const Task& file() {
  static const Task kTask = {
      .name = "file",
      .summary = "prompt pairs of your own: JSON lines, a JSON array, CSV or TSV",
      .argument = "PATH",
      .reads_texts = true,
      .positions = kPositions,
      .notes =
          "Columns: clean, corrupted, answer, wrong, group, subject, positions, "
          "corrupted_positions, and the names that they have elsewhere; others are kept. Prompts "
          "may name further positions.",
      .maker = &make};
  return kTask;
}

}  // namespace patchbay::tasks
