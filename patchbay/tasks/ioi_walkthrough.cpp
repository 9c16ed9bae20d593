// The walkthrough's form of indirect object identification: one template, three other people in the
// corrupted prompt.
#include <algorithm>
#include <string>
#include <vector>

#include "patchbay/prompts/python_random.h"
#include "patchbay/tasks/ioi_common.h"

namespace patchbay::tasks {

const Task& ioi_walkthrough();

namespace {

constexpr std::string_view kForm = "When [IO] and [S1] went to the store, [S2] gave the book to";

PromptSet make(const TaskModel& model, const CompletedOptions& options) {
  PromptBuilder builder = start(ioi_walkthrough(), model, options);
  DrawableWords words(ioi_walkthrough(), builder.tokenizer());
  std::vector<std::string_view> all(kLabNames.begin(), kLabNames.end());
  for (const std::string_view name : paper_names()) {
    if (std::ranges::find(kLabNames, name) == kLabNames.end()) all.push_back(name);
  }
  constexpr std::size_t kPeople = 5;
  const std::vector<std::string_view> names = words.keep(all, "names", kPeople);
  warn_of(words, builder);
  PythonRandom random(options.seed);
  while (builder.size() < options.prompts) {
    const std::vector<std::string_view> five = random.sample(names, kPeople);
    const IoiNames clean = {.io = five[0], .s1 = five[1], .s2 = five[1]};
    const IoiNames others = {.io = five[2], .s1 = five[3], .s2 = five[4]};
    add_ioi_pair(builder, ioi_sentence(kForm, clean, "", ""), ioi_sentence(kForm, others, "", ""),
                 clean, "ABBA");
  }
  return std::move(builder).finish();
}

constexpr Choice kCorruptions[] = {{"ABC", "three other people, each named once"}};

}  // namespace

const Task& ioi_walkthrough() {
  static const Task kTask = {
      .name = "ioi_walkthrough",
      .summary = "\"When Lisa and David went to the store, David gave the book to\"",
      .prompts = 10,
      .seed = 0,
      .corruptions = kCorruptions,
      .positions = ioi_positions(),
      .notes =
          "The form of the walkthrough \"Figure 3b recreation\", 14 tokens on GPT-2. Its ten "
          "pairs were not published; these are drawn from the lab's and the paper's names.",
      .maker = &make};
  return kTask;
}

}  // namespace patchbay::tasks
