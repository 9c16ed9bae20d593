// The data set of the lab "Activation Patching on IOI", bit for bit as CPython's random draws it.
#include <string>
#include <vector>

#include "patchbay/prompts/python_random.h"
#include "patchbay/tasks/ioi_common.h"

namespace patchbay::tasks {

const Task& ioi_lab();

namespace {

constexpr std::string_view kForm = "[S1] and [IO] went to the [PLACE]. [S2] gave a [OBJECT] to";

// Every word is drawn whatever the tokenizer makes of it: leaving one out would shift all that
// follow.
PromptSet make(const TaskModel& model, const CompletedOptions& options) {
  const std::vector<std::string_view> names(kLabNames.begin(), kLabNames.end());
  const std::vector<std::string_view> places = {"store", "park",   "beach",     "library",
                                                "cafe",  "museum", "restaurant"};
  const std::vector<std::string_view> objects = {"book", "ball",  "key", "letter",
                                                 "gift", "phone", "bag", "drink"};
  PromptBuilder builder = start(ioi_lab(), model, options);
  PythonRandom random(options.seed);
  while (builder.size() < options.prompts) {
    const std::vector<std::string_view> two = random.sample(names, 2);
    const std::string_view place = random.choice(places);
    const std::string_view object = random.choice(objects);
    const IoiNames clean = {.io = two[1], .s1 = two[0], .s2 = two[0]};
    const IoiNames corrupted = {.io = two[1], .s1 = two[0], .s2 = two[1]};
    add_ioi_pair(builder, ioi_sentence(kForm, clean, place, object),
                 ioi_sentence(kForm, corrupted, place, object), clean, "lab");
  }
  return std::move(builder).finish();
}

constexpr Choice kCorruptions[] = {{"S2->IO", "the other of the two acts, so the roles change"}};

}  // namespace

const Task& ioi_lab() {
  static const Task kTask = {
      .name = "ioi_lab",
      .summary = "the lab's \"Tom and Mary went to the store. Tom gave a gift to\"",
      .prompts = 50,
      .seed = 42,
      .prepend_bos = true,
      .corruptions = kCorruptions,
      .positions = ioi_positions(),
      .notes =
          "Drawn as CPython 3.11 draws it: with seed 42 the first 50 prompts are the lab's. A "
          "name that begins the sentence may be several tokens, so prompts may differ in "
          "length.",
      .maker = &make};
  return kTask;
}

}  // namespace patchbay::tasks
