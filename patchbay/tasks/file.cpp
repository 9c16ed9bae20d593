// Prompts from a file of JSON lines, named as "file:PATH".
#include "patchbay/prompts/prompt_file.h"
#include "patchbay/tasks/task.h"

namespace patchbay::tasks {

const Task& file();

namespace {

PromptSet make(const TaskModel& model, const CompletedOptions& options) {
  return read_prompt_file(options.argument, model.cfg, model.tokenizer,
                          {.prompts = options.prompts, .prepend_bos = options.prepend_bos});
}

constexpr Choice kPositions[] = {{"END", "the last token, after which the answer is due"}};

}  // namespace

const Task& file() {
  static const Task kTask = {
      .name = "file",
      .summary = "prompt pairs of your own, one JSON object a line",
      .argument = "PATH",
      .positions = kPositions,
      .notes =
          "Keys: clean, corrupted, answer, wrong, group, positions, corrupted_positions. The "
          "lines may name further positions.",
      .maker = &make};
  return kTask;
}

}  // namespace patchbay::tasks
