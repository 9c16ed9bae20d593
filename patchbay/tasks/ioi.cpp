// The data set of Wang et al. 2022 (arXiv 2211.00593): fifteen templates in two orders, and the
// corruptions of its code.
#include <algorithm>
#include <string>
#include <vector>

#include "patchbay/prompts/python_random.h"
#include "patchbay/tasks/ioi_common.h"

namespace patchbay::tasks {

const Task& ioi();

namespace {

// The paper's templates in the order BABA, up to where the indirect object's name is due.
// clang-format off
constexpr std::string_view kTemplates[] = {
    "Then, [S1] and [IO] went to the [PLACE]. [S2] gave a [OBJECT] to",
    "Then, [S1] and [IO] had a lot of fun at the [PLACE]. [S2] gave a [OBJECT] to",
    "Then, [S1] and [IO] were working at the [PLACE]. [S2] decided to give a [OBJECT] to",
    "Then, [S1] and [IO] were thinking about going to the [PLACE]. [S2] wanted to give a [OBJECT] to",
    "Then, [S1] and [IO] had a long argument, and afterwards [S2] said to",
    "After [S1] and [IO] went to the [PLACE], [S2] gave a [OBJECT] to",
    "When [S1] and [IO] got a [OBJECT] at the [PLACE], [S2] decided to give it to",
    "When [S1] and [IO] got a [OBJECT] at the [PLACE], [S2] decided to give the [OBJECT] to",
    "While [S1] and [IO] were working at the [PLACE], [S2] gave a [OBJECT] to",
    "While [S1] and [IO] were commuting to the [PLACE], [S2] gave a [OBJECT] to",
    "After the lunch, [S1] and [IO] went to the [PLACE]. [S2] gave a [OBJECT] to",
    "Afterwards, [S1] and [IO] went to the [PLACE]. [S2] gave a [OBJECT] to",
    "Then, [S1] and [IO] had a long argument. Afterwards [S2] said to",
    "The [PLACE] [S1] and [IO] went to had a [OBJECT]. [S2] gave it to",
    "Friends [S1] and [IO] found a [OBJECT] at the [PLACE]. [S2] gave it to",
};
// clang-format on

struct Form {
  std::string text;
  std::string group;
  bool io_first;
};

// The first `count` templates in one order; ABBA exchanges the two names of the first clause.
void append_forms(std::vector<Form>& forms, bool io_first, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    std::string text(kTemplates[i]);
    if (io_first) {
      text = fill_form(text, {{"S1", "[IO]"}, {"IO", "[S1]"}}).text;
    }
    forms.push_back(
        {std::move(text), (io_first ? "ABBA " : "BABA ") + std::to_string(i + 1), io_first});
  }
}

std::vector<Form> forms_of(std::string_view prompt_type) {
  constexpr std::size_t kAll = std::size(kTemplates);
  const std::size_t count = prompt_type == "mixed_7" ? kAll / 2 : kAll;
  std::vector<Form> forms;
  if (prompt_type != "ABBA") append_forms(forms, false, count);
  if (prompt_type != "BABA") append_forms(forms, true, count);
  return forms;
}

// The names that a corruption puts in place of the clean ones.
class Corruption {
 public:
  Corruption(const std::vector<std::string_view>& names, const CompletedOptions& options)
      : names_(names),
        name_(options.corruption),
        collisions_(options.collisions),
        random_(options.seed, 1) {}

  IoiNames apply(const IoiNames& clean, bool io_first) {
    now_ = clean;
    used_ = {clean.io, clean.s1};
    if (name_ == "S2->IO") {
      now_.s2 = clean.io;
    } else if (name_ == "IO<->S1") {
      std::swap(now_.io, now_.s1);
    } else if (name_ == "S2->RAND") {
      now_.s2 = new_name();
    } else if (name_ == "IO->RAND") {
      now_.io = new_name();
    } else if (name_ == "S->RAND") {
      rename_subject();
    } else if (name_ == "S1->RAND") {
      rename_first_subject(io_first);
    } else if (name_ == "XYZ") {
      now_ = {.io = another(used_), .s1 = another(used_), .s2 = another(used_)};
    } else {  // ABC
      now_.io = new_name();
      rename_subject();
      rename_first_subject(io_first);
    }
    return now_;
  }

 private:
  // A name that is in neither prompt, however the original draws.
  std::string_view new_name() {
    const std::string_view name = draw(used_);
    used_.push_back(name);
    return name;
  }
  // Where the original draws from all names but `taken`; new ones unless collisions are asked for.
  std::string_view another(const std::vector<std::string_view>& taken) {
    return collisions_ ? draw(taken) : new_name();
  }
  std::string_view draw(const std::vector<std::string_view>& taken) {
    while (true) {
      const std::string_view name = random_.choice(names_);
      if (std::ranges::find(taken, name) == taken.end()) return name;
    }
  }

  void rename_subject() { now_.s1 = now_.s2 = another({}); }
  // The original replaces the first word that is the subject's name; after a collision that may be
  // the indirect object.
  void rename_first_subject(bool io_first) {
    const bool is_io = io_first && now_.io == now_.s2;
    (is_io ? now_.io : now_.s1) = another({});
  }

  const std::vector<std::string_view>& names_;
  std::string_view name_;
  bool collisions_;
  PythonRandom random_;  // a stream of its own, so that corruptions share their clean prompts
  IoiNames now_{};
  std::vector<std::string_view> used_;
};

PromptSet make(const TaskModel& model, const CompletedOptions& options) {
  PromptBuilder builder = start(ioi(), model, options);
  DrawableWords words(ioi(), builder.tokenizer());
  constexpr std::size_t kPeople = 5;  // two in the clean prompt, up to three others
  const auto names = words.keep(paper_names(), "names", kPeople);
  const auto places = words.keep(kPaperPlaces, "places", 1);
  const auto objects = words.keep(kPaperObjects, "objects", 1);
  warn_of(words, builder);
  const std::vector<Form> forms = forms_of(options.prompt_type);
  Corruption corruption(names, options);
  PythonRandom random(options.seed);
  while (builder.size() < options.prompts) {
    const Form& form = random.choice(forms);
    const std::vector<std::string_view> two = random.sample(names, 2);
    const std::string_view place = random.choice(places);
    const std::string_view object = random.choice(objects);
    const IoiNames clean = {.io = two[0], .s1 = two[1], .s2 = two[1]};
    const IoiNames corrupted = corruption.apply(clean, form.io_first);
    add_ioi_pair(builder, ioi_sentence(form.text, clean, place, object),
                 ioi_sentence(form.text, corrupted, place, object), clean, form.group);
  }
  return std::move(builder).finish();
}

constexpr Choice kCorruptions[] = {
    {"ABC", "IO->RAND, then S->RAND, then S1->RAND: three other people, each named once"},
    {"IO->RAND", "somebody else for IO"},
    {"S->RAND", "one other name for S1 and S2"},
    {"S1->RAND", "another name for S1"},
    {"S2->RAND", "another name for S2"},
    {"S2->IO", "the indirect object acts, so the roles change"},
    {"IO<->S1", "the two names of the first clause exchanged: BABA is ABBA"},
    {"XYZ", "three names that are neither IO nor S, drawn independently"},
};
constexpr Choice kPromptTypes[] = {
    {"mixed", "all fifteen templates in both orders"},
    {"BABA", "the subject first"},
    {"ABBA", "the indirect object first"},
    {"mixed_7",
     "the first seven templates in both orders, which is all that the paper's code "
     "takes for its mixed type"},
};

}  // namespace

const Task& ioi() {
  static const Task kTask = {
      .name = "ioi",
      .summary = "indirect object identification with the paper's templates and words",
      .prompts = 100,
      .seed = 0,
      .corruptions = kCorruptions,
      .prompt_types = kPromptTypes,
      .has_collisions = true,
      .positions = ioi_positions(),
      .notes =
          "Wang et al. 2022, arXiv 2211.00593. Replacing names are new ones; with collisions "
          "they are drawn as the paper's code does (for XYZ, ARENA's), so that one may equal "
          "another.",
      .maker = &make};
  return kTask;
}

}  // namespace patchbay::tasks
