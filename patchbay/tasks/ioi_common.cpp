// Indirect object identification (Wang et al. 2022, arXiv 2211.00593): sentences about two people,
// one of whom is named twice and acts on the other.
#include "patchbay/tasks/ioi_common.h"

namespace patchbay::tasks {
namespace {

constexpr std::string_view kPaperNames[] = {
    "Michael",  "Christopher", "Jessica",   "Matthew",  "Ashley",    "Jennifer", "Joshua",
    "Amanda",   "Daniel",      "David",     "James",    "Robert",    "John",     "Joseph",
    "Andrew",   "Ryan",        "Brandon",   "Jason",    "Justin",    "Sarah",    "William",
    "Jonathan", "Stephanie",   "Brian",     "Nicole",   "Nicholas",  "Anthony",  "Heather",
    "Eric",     "Elizabeth",   "Adam",      "Megan",    "Melissa",   "Kevin",    "Steven",
    "Thomas",   "Timothy",     "Christina", "Kyle",     "Rachel",    "Laura",    "Lauren",
    "Amber",    "Brittany",    "Danielle",  "Richard",  "Kimberly",  "Jeffrey",  "Amy",
    "Crystal",  "Michelle",    "Tiffany",   "Jeremy",   "Benjamin",  "Mark",     "Emily",
    "Aaron",    "Charles",     "Rebecca",   "Jacob",    "Stephen",   "Patrick",  "Sean",
    "Erin",     "Jamie",       "Kelly",     "Samantha", "Nathan",    "Sara",     "Dustin",
    "Paul",     "Angela",      "Tyler",     "Scott",    "Katherine", "Andrea",   "Gregory",
    "Erica",    "Mary",        "Travis",    "Lisa",     "Kenneth",   "Bryan",    "Lindsey",
    "Kristen",  "Jose",        "Alexander", "Jesse",    "Katie",     "Lindsay",  "Shannon",
    "Vanessa",  "Courtney",    "Christine", "Alicia",   "Cody",      "Allison",  "Bradley",
    "Samuel"};

constexpr Choice kPositions[] = {
    {"IO", "the indirect object, the name that comes once"},
    {"S1", "the subject where it is named first"},
    {"S1+1", "the token after S1"},
    {"S2", "the subject where it is named again"},
    {"END", "the last token, after which the answer is due"},
};

}  // namespace

std::span<const std::string_view> paper_names() { return kPaperNames; }

std::span<const Choice> ioi_positions() { return kPositions; }

MarkedText ioi_sentence(std::string_view form, const IoiNames& names, std::string_view place,
                        std::string_view object) {
  return fill_form(
      form,
      {{"IO", names.io}, {"S1", names.s1}, {"S2", names.s2}, {"PLACE", place}, {"OBJECT", object}});
}

void add_ioi_pair(PromptBuilder& builder, const MarkedText& clean, const MarkedText& corrupted,
                  const IoiNames& clean_names, std::string group) {
  const std::string where = builder.next();
  builder.add(where, builder.side(where, clean), builder.side(where, corrupted),
              {.right = {builder.answer(where, after_space(clean_names.io))},
               .wrong = {builder.answer(where, after_space(clean_names.s1))}},
              std::move(group));
}

}  // namespace patchbay::tasks
