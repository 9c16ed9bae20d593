// Gendered pronouns (Mathwin et al. 2023, "Identifying a Preliminary Circuit for Predicting
// Gendered Pronouns in GPT-2 Small"): he or she, by the name.
#include <array>
#include <string>
#include <vector>

#include "patchbay/prompts/python_random.h"
#include "patchbay/tasks/ioi_common.h"
#include "patchbay/tasks/words_common.h"

namespace patchbay::tasks {

const Task& gendered_pronoun();

namespace {

// The names of the paper.
constexpr std::string_view kMale[] = {"John", "David", "Mark", "Paul", "Ryan",
                                      "Gary", "Jack",  "Sean", "Carl", "Joe"};
constexpr std::string_view kFemale[] = {"Mary",  "Lisa",  "Anna",  "Sarah", "Amy",
                                        "Carol", "Karen", "Susan", "Julie", "Judy"};

struct Form {
  std::string_view prompt_type;
  std::string_view group;
  std::string_view text;
};

// The tag questions are the paper's. The clauses can be read by ioi-small too, which knows few
// words.
constexpr Form kForms[] = {
    {"clause", "when", "When [NAME] was at the [PLACE],"},
    {"clause", "after", "After [NAME] got a [OBJECT],"},
    {"tag_question", "friend", "So [NAME] is a really great friend, isn't"},
    {"tag_question", "cook", "So [NAME] is such a good cook, isn't"},
    {"tag_question", "athlete", "So [NAME] is a very good athlete, isn't"},
    {"tag_question", "nice", "So [NAME] is a really nice person, isn't"},
    {"tag_question", "funny", "So [NAME] is such a funny person, isn't"},
};

PromptSet make(const TaskModel& model, const CompletedOptions& options) {
  PromptBuilder builder = start(gendered_pronoun(), model, options);
  DrawableWords words(gendered_pronoun(), builder.tokenizer());
  const std::array names = {words.keep(kMale, "men's names", 1),
                            words.keep(kFemale, "women's names", 1)};
  const auto places = words.keep(kPaperPlaces, "places", 1);
  const auto objects = words.keep(kPaperObjects, "objects", 1);
  warn_of(words, builder);
  std::vector<Form> forms;
  for (const Form& form : kForms) {
    if (form.prompt_type == options.prompt_type) forms.push_back(form);
  }
  PythonRandom random(options.seed);
  PythonRandom corruption(options.seed, 1);
  while (builder.size() < options.prompts) {
    const std::string where = builder.next();
    const std::array pronouns = {builder.answer(where, " he"), builder.answer(where, " she")};
    const std::size_t gender = random.randbelow(2);
    const std::size_t other = 1 - gender;
    const Form& form = random.choice(forms);
    const std::string_view place = random.choice(places);
    const std::string_view object = random.choice(objects);
    const auto sentence = [&](std::string_view name) {
      return fill_form(form.text, {{"NAME", name}, {"PLACE", place}, {"OBJECT", object}});
    };
    builder.add(where, builder.side(where, sentence(random.choice(names[gender]))),
                builder.side(where, sentence(corruption.choice(names[other]))),
                {.right = {pronouns[gender]}, .wrong = {pronouns[other]}}, std::string(form.group));
  }
  return std::move(builder).finish();
}

constexpr Choice kCorruptions[] = {{"other_gender", "a name of the other gender"}};
constexpr Choice kPromptTypes[] = {
    {"clause", "\"When Mary was at the store,\" and \"After John got a ring,\""},
    {"tag_question", "the paper's \"So David is a really great friend, isn't\" and four like it"},
};
constexpr Choice kPositions[] = {
    {"NAME", "the name"},
    {"END", "the last token, after which the pronoun is due"},
};

}  // namespace

const Task& gendered_pronoun() {
  static const Task kTask = {
      .name = "gendered_pronoun",
      .summary = "\"When Mary was at the store,\", then \" she\"",
      .prompts = 100,
      .seed = 0,
      .corruptions = kCorruptions,
      .prompt_types = kPromptTypes,
      .positions = kPositions,
      .notes =
          "Names and tag questions are those of Mathwin et al. 2023, \"Identifying a "
          "Preliminary Circuit for Predicting Gendered Pronouns in GPT-2 Small\"; the clauses "
          "are patchbay's.",
      .maker = &make};
  return kTask;
}

}  // namespace patchbay::tasks
