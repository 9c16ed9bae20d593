// patchbay help: pages of topics and of verbs.
#include <fmt/format.h>

#include <string>
#include <vector>

#include "cli/help_page.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/topics.h"

namespace patchbay::cli::verbs {

const Verb& help();

namespace {

int run_given(const Given& given) {
  const std::vector<std::string>& words = given.all("TOPIC");
  Table table({{"topic"}, {"what"}});
  for (const Topic& topic : topics()) {
    table.add({topic.name, topic.what});
    if (words != std::vector{topic.name}) continue;
    write_output(fmt::format("{}: {}\n\n{}", heading(topic.name), topic.what, topic.page));
    return 0;
  }
  const std::string page = render(verb_named(words));
  write_output(words.empty()
                   ? fmt::format("{}\npatchbay help TOPIC shows one, patchbay help COMMAND or "
                                 "EXPERIMENT the page of it.\n\n{}",
                                 table.str(), page)
                   : page);
  return 0;
}

}  // namespace

const Verb& help() {
  static const Verb verb = {
      .place = 120,
      .path = "help",
      .what = "a topic, a command or an experiment, explained",
      .examples =
          "patchbay help\npatchbay help effects\npatchbay help task show\npatchbay help "
          "find_circuit",
      .options = {{"TOPIC", "…",
                   "a topic, an experiment, or the words of a command; without it all of them"}},
      .run = run_given};
  return verb;
}

}  // namespace patchbay::cli::verbs
