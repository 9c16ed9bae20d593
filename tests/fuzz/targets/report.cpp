// Texts of a result on a page: none of them becomes markup. Every golden result has the text as its
// labels, its notes, its prompts and its provenance; the page's tags must be those that it has with
// a harmless text.
#include <map>

#include "patchbay/report/page.h"
#include "patchbay/results/result_json.h"
#include "tests/fuzz/fuzz_target.h"

using namespace patchbay;
using namespace patchbay::fuzz;

void fuzz_report(std::string_view data);

namespace {

EffectTable with_text(EffectTable table, const std::string& text) {
  for (TableAxis& axis : table.axes) {
    if (axis.name == "prompt" || axis.labels.empty() ||
        axis.labels.front().find('|') != std::string::npos)
      continue;
    axis.labels.front() = text + "x";
  }
  table.metric = text;
  table.notes.assign(1, text);
  table.provenance.model = text;
  table.provenance.task = text;
  table.provenance.command = text;
  return table;
}

Page page_of(const EffectTable& table, const std::string& text) {
  Page page{.title = text,
            .text = text,
            .model = text,
            .command = text,
            .attention_command = text,
            .known = {{text, {"1.2"}}},
            .sections = {}};
  StudySection section{.id = "heads",
                       .experiment = table.experiment,
                       .title = text,
                       .text = text,
                       .left_out = "",
                       .lists = {{text, {text}, {{text}}, {text}}}};
  page.sections.push_back({section, with_text(table, text)});
  return page;
}

// Every tag with its attributes' names, in order: what a browser makes of the page.
std::string tags_of(std::string_view html) {
  std::string tags;
  for (std::size_t at = html.find('<'); at != std::string_view::npos; at = html.find('<', at)) {
    char quote = '\0';
    for (; at < html.size() && (quote != '\0' || html[at] != '>'); ++at) {
      const char c = html[at];
      if (quote == '\0') {
        tags += c;
        if (c == '"' || c == '\'') quote = c;
      } else if (c == quote) {
        quote = '\0';
      }
    }
    tags += '\n';
  }
  return tags;
}

// A page's counts of tags: lines that wrap, and figures that are cut, differ in number only.
std::map<std::string, int> kinds_of(std::string_view html) {
  std::map<std::string, int> kinds;
  const std::string tags = tags_of(html);
  for (std::size_t at = 0; at < tags.size();) {
    const std::size_t end = tags.find('\n', at);
    ++kinds[tags.substr(at, end - at)];
    at = end + 1;
  }
  return kinds;
}

}  // namespace

void fuzz_report(std::string_view data) {
  static const EffectTable kTable =
      read_result(std::filesystem::path(PATCHBAY_GOLDEN_DIR) / "results" / "small.json").table;
  static const std::map<std::string, int> kHarmless =
      kinds_of(html_page(page_of(kTable, "harmless")));
  const std::string text(data.substr(0, 300));
  accepts([&] {
    const Page page = page_of(kTable, text);
    page.sections.front().table->check();
    for (const auto& [tag, count] : kinds_of(html_page(page))) {
      require(kHarmless.contains(tag), "a text of a result makes no tag: " + tag);
    }
  });
}
