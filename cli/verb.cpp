// The verbs of cli/verbs in their order, and those that only hold others.
#include "cli/verb.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "cli/help_page.h"
#include "cli/options.h"
#include "cli/output.h"
#include "patchbay/base/version.h"

namespace patchbay::cli {
namespace {

int show_version_or_page(const Given& given) {
  write_output(given.flag("--version") ? fmt::format("patchbay {}\n", kVersion)
                                       : render(find_verb("")));
  return 0;
}

int miss_verb(const Given& given) { given.fail("a command is missing"); }

std::vector<Verb> made_verbs() {
  std::vector<Verb> verbs = {
      {.place = 0,
       .path = "",
       .what = "finds and verifies circuits inside transformers",
       .examples =
           "patchbay model info tests/golden/tiny-gpt2\n"
           "patchbay predict --model tests/golden/tiny-gpt2 \"When Mary and John went to the\"\n"
           "patchbay doctor",
       .options = {{"--version", "", "print the version"}},
       .run = show_version_or_page},
      {.place = 10,
       .path = "model",
       .what = "look at a model, fetch it, check it",
       .examples = "patchbay model info tests/golden/tiny-gpt2\npatchbay model list",
       .run = miss_verb},
      {.place = 60,
       .path = "task",
       .what = "the prompts that experiments run",
       .examples = "patchbay task list\npatchbay task show ioi_lab --prompts 2",
       .run = miss_verb}};
  for (const Verb* verb : verbs::all()) {
    verbs.push_back(*verb);
    const std::vector<Verb> inner = std::exchange(verbs.back().inner, {});
    Options& own = inner.empty() ? verbs.back().options : verbs.back().shared;
    own = together({own, common_options()});
    const Options shared = verbs.back().shared;
    for (const Verb& one : inner) {
      verbs.push_back(one);
      verbs.back().options = together({one.options, shared});
    }
  }
  std::ranges::stable_sort(verbs, {}, &Verb::place);
  return verbs;
}

}  // namespace

Options together(std::initializer_list<Options> lists) {
  Options all;
  for (const Options& list : lists) std::ranges::copy(list, std::back_inserter(all));
  return all;
}

const std::vector<Verb>& all_verbs() {
  static const std::vector<Verb> kVerbs = made_verbs();
  return kVerbs;
}

const Verb& find_verb(std::string_view path) {
  return *std::ranges::find(all_verbs(), path, &Verb::path);
}

std::vector<const Verb*> verbs_of(const Verb& verb) {
  const std::string before = verb.path.empty() ? "" : verb.path + " ";
  std::vector<const Verb*> inner;
  for (const Verb& one : all_verbs()) {
    const bool inside = one.path.size() > before.size() && one.path.starts_with(before);
    if (inside && one.path.find(' ', before.size()) == std::string::npos) inner.push_back(&one);
  }
  return inner;
}

}  // namespace patchbay::cli
