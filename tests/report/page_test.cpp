// The report's page: what is on it, and that no text of a result becomes markup.
#include "patchbay/report/page.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "patchbay/base/error.h"
#include "patchbay/base/stop_check.h"
#include "patchbay/io/json.h"
#include "patchbay/report/chapters.h"
#include "patchbay/report/page_data.h"
#include "patchbay/results/result_json.h"
#include "patchbay/results/statistics.h"
#include "tests/results/results_testing.h"

namespace patchbay {
namespace {

Page page_with(std::vector<EffectTable> tables) {
  Page page{.title = "A study",
            .text = "What it is about.",
            .model = "ioi-small",
            .command = "patchbay study one",
            .attention_command = "patchbay run attention_patterns --nodes HEAD",
            .known = {},
            .sections = {}};
  for (std::size_t i = 0; i < tables.size(); ++i) {
    page.sections.push_back({{.id = "s" + std::to_string(i),
                              .experiment = tables[i].experiment,
                              .title = "Section " + std::to_string(i),
                              .text = "",
                              .left_out = "",
                              .lists = {}},
                             std::move(tables[i])});
  }
  return page;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

EffectTable golden(const char* name) {
  return read_result(std::filesystem::path(PATCHBAY_GOLDEN_DIR) / "report" /
                     (std::string(name) + ".json"))
      .table;
}

TEST(Page, HasItsChaptersInTheOrderOfAnAnalysis) {
  const std::string html =
      html_page(page_with({golden("circuit"), golden("heads"), golden("accuracy"),
                           golden("patterns"), golden("lens")}));
  std::size_t before = 0;
  for (const char* id :
       {"prompts", "baselines", "attribution", "activation-patching", "heads", "circuit"}) {
    const std::size_t at = html.find("<section class=\"chapter\" id=\"" + std::string(id) + "\">");
    ASSERT_NE(at, std::string::npos) << id;
    EXPECT_GT(at, before) << id;
    before = at;
  }
  EXPECT_EQ(html.find("id=\"path-patching\""), std::string::npos);
  EXPECT_EQ(html, html_page(page_with({golden("circuit"), golden("heads"), golden("accuracy"),
                                       golden("patterns"), golden("lens")})));
}

TEST(Page, EveryChapterTeachesInTwoSentences) {
  for (const Chapter& chapter : chapters()) {
    EXPECT_EQ(count(chapter.text, ". ") + 1, 2U) << chapter.text;
    EXPECT_TRUE(chapter.text.ends_with('.')) << chapter.text;
  }
  EXPECT_EQ(chapter_of("something new").id, "others");
}

TEST(Page, DrawsGridsThatTextLeavesOutAndSaysWhichAreTooLargeForAPicture) {
  const auto page_of = [](std::size_t columns) {
    EffectTable table = testing::random_table(2 * columns, 3, Direction::kNoise, 1);
    table.axes = {{"layer", {"0", "1"}}, {"neuron", testing::counted(columns)}, table.axes.back()};
    return html_page(page_with({table}));
  };
  for (const std::size_t columns : {40U, 41U, 256U}) {
    const std::string html = page_of(columns);
    EXPECT_NE(html.find("data-figure=\"heat_map\""), std::string::npos) << columns;
    EXPECT_EQ(html.find("The grid is left out"), std::string::npos) << columns;
    EXPECT_NE(html.find("data-cell=\"" + std::to_string(2 * columns - 1) + "\""),
              std::string::npos);
  }
  const std::string html = page_of(257);
  EXPECT_EQ(html.find("data-figure=\"heat_map\""), std::string::npos);
  EXPECT_NE(
      html.find("<p class=\"left-out\">The grid is left out: 257 places along neuron are more "
                "than the 256 that a picture holds; the result file has every cell.</p>"),
      std::string::npos);
}

TEST(Page, AsksForNothing) {
  const std::string html = html_page(page_with({golden("heads"), golden("circuit")}));
  EXPECT_NE(html.find("default-src 'none'; script-src 'sha256-"), std::string::npos);
  EXPECT_EQ(html.find("unsafe"), std::string::npos);
  EXPECT_EQ(count(html, "http"),
            count(html, "http-equiv") + count(html, "http://www.w3.org/2000/svg"));
  for (const char* part :
       {"src=\"", "url(", "@import", "<link", "<iframe", " style=\"", "onclick"}) {
    EXPECT_EQ(html.find(part), std::string::npos) << part;
  }
}

TEST(Page, HostileTextIsShownAndNeverMarkup) {
  const std::string hostile[] = {"</script><script>alert(1)</script>",
                                 "<img src=x onerror=alert(1)>",
                                 "\" onload=\"alert(1)",
                                 "a\u202eb\u2066c",
                                 std::string("nul\0here", 8),
                                 "<!--<script>",
                                 "]]>",
                                 "\xff\xfe broken",
                                 std::string(1 << 20, 'x')};
  for (const std::string& text : hostile) {
    EffectTable table = testing::small_table();
    table.experiment = text;
    table.metric = text;
    for (TableAxis& axis : table.axes) axis.labels.front() = text;
    table.axes.front().name = text;
    for (TextColumn& column : table.columns) column.texts.front() = text;
    table.columns.push_back({text, table.columns.front().texts});
    table.notes = {text};
    table.provenance.model = table.provenance.task = table.provenance.command = text;
    Page page = page_with({table});
    page.title = page.text = page.command = page.model = page.attention_command = text;
    page.known = {{text, {text}}};
    page.sections.front().section.title = page.sections.front().section.text = text;
    page.sections.front().section.lists = {{text, {text}, {{text}}, {text}}};
    std::string html = html_page(page);
    EXPECT_EQ(html.find("\u202e"), std::string::npos);
    const std::string quiet = html_page(page_with({testing::small_table()}));
    SCOPED_TRACE(text.substr(0, 40));
    EXPECT_EQ(count(html, "<script"), count(quiet, "<script"));
    EXPECT_EQ(count(html, "</script"), count(quiet, "</script"));
    html.resize(html.find("<script type"));  // what follows is JSON, where < is escaped
    EXPECT_EQ(html.find("<img"), std::string::npos);
    EXPECT_EQ(html.find("\" onload="), std::string::npos);
    EXPECT_EQ(html.find("<!--"), std::string::npos);
    EXPECT_EQ(html.find('\0'), std::string::npos);
    EXPECT_LT(html.size(), quiet.size() + 64 * text.size() + 100'000);
  }
}

TEST(Page, DataReadsBackAsTheTables) {
  const EffectTable table = golden("heads");
  const Page page = page_with({table, golden("patterns")});
  const std::string data = page_data(page, std::vector{table_statistics(table), TableStatistics{}});
  const JsonDocument document = parse_json(data, "data", {});
  const JsonValue& heads = document->at("tables").at("s0");
  EXPECT_EQ(heads.at("effects").members().size(), std::size(kEffectKinds));
  EXPECT_EQ(heads.at("values").items().size(), 20U);
  EXPECT_NEAR(heads.at("values").at(3).at(5).as_double(), table.value(3, 5),
              1e-5 * std::abs(table.value(3, 5)));
  const JsonValue& attention = document->at("attention");
  EXPECT_EQ(attention.at("heads").items().size(), 2U);
  std::size_t weights = 0;
  for (const JsonValue& tokens : attention.at("tokens").items()) {
    weights += 2 * tokens.items().size() * (tokens.items().size() + 1) / 2;
  }
  EXPECT_EQ(attention.at("weights").as_string().size(), (2 * weights + 2) / 3 * 4);
  EXPECT_FALSE(document->at("tables").find("s1"));
}

TEST(Page, AndItsStatisticsStopWhenAsked) {
  static int asked = 0;
  const auto stop = [] {
    if (++asked == 3) throw Error(ErrorKind::kInterrupted, "test", "stopped");
  };
  const EffectTable table = golden("heads");
  const Page page = page_with({golden("accuracy")});
  for (const std::function<void()>& work : std::vector<std::function<void()>>{
           [&] { (void)table_statistics(table); }, [&] { (void)sign_flip_test(table); },
           [&] { (void)html_page(page); }}) {
    asked = 0;
    set_stop_check(+stop);
    EXPECT_THROW(work(), Error);
    set_stop_check(nullptr);
    EXPECT_EQ(asked, 3);
    EXPECT_NO_THROW(work());
  }
}

TEST(Page, DigestsAreThoseOfOpenssl) {
  EXPECT_EQ(base64("any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");
  EXPECT_EQ(sha256_base64("abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

}  // namespace
}  // namespace patchbay
