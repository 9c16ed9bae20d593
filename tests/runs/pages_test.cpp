// Result files as pages and pictures, without the command.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "patchbay/circuits/circuit.h"
#include "patchbay/results/result_json.h"
#include "patchbay/runs/page_of_files.h"
#include "patchbay/runs/pictures.h"
#include "patchbay/runs/study_page.h"
#include "tests/runs/runs_testing.h"
#include "tests/support/folder_contents.h"
#include "tests/support/temporary_directory.h"

namespace patchbay::runs {
namespace {

using patchbay::testing::contents_of;
using patchbay::testing::TemporaryDirectory;

std::string golden(const char* name) {
  return (std::filesystem::path(PATCHBAY_GOLDEN_DIR) / "report" / name).string();
}

TEST(PageOfFiles, HasASectionForEveryResultUnderAnIdOfItsOwn) {
  const Page page =
      page_of_files({golden("heads.json"), golden("mlps.json"), golden("heads.json")});
  std::vector<std::string> ids;
  for (const PageSection& part : page.sections) ids.push_back(part.section.id);
  EXPECT_EQ(ids, (std::vector<std::string>{"heads", "mlps", "heads-2"}));
  EXPECT_EQ(page.sections[1].section.title, "mlps");
  EXPECT_EQ(page.model, "ioi-small");
  EXPECT_EQ(page.command, "") << "no study made it";
}

TEST(PageOfFiles, SaysWhatIsMissing) {
  const TemporaryDirectory folder;
  EXPECT_NE(error_of(ErrorKind::kNoInput, [&] { (void)page_of_files({folder.path().string()}); })
                .find("has no result files; name the folder that `out` wrote"),
            std::string::npos);
  EXPECT_NE(error_of(ErrorKind::kNoInput,
                     [&] { (void)page_of_files({(folder / "none.json").string()}); }),
            "no error");
  Page page = page_of_files({golden("accuracy.json")});
  EXPECT_NE(error_of(ErrorKind::kUsage, [&] { show_effect(page, EffectKind::kRecovered); })
                .find("accuracy has no effect recovered; leave `effect` away"),
            std::string::npos);
}

TEST(Pictures, AreWrittenInTheFormatsThatAreAskedFor) {
  const TemporaryDirectory folder;
  const EffectTable table = read_result(golden("heads.json")).table;
  const std::string formats[] = {"json", "svg", "html"};
  const auto written =
      write_pictures({.table = table, .figure = "heat_map"}, folder.path().string(), "h", formats);
  ASSERT_EQ(written.size(), 1U);
  EXPECT_EQ(written.front().filename(), "h.heat_map.svg");
  EXPECT_NE(contents_of(folder.path()).at("h.heat_map.svg").find("<svg "), std::string::npos);
  EXPECT_NE(error_of(ErrorKind::kUsage,
                     [&] {
                       (void)write_pictures({.table = table, .figure = "circuit_graph"},
                                            folder.path().string(), "h", formats);
                     })
                .find("circuit_graph cannot show a result of activation_patching; these can: "),
            std::string::npos);
  EXPECT_NE(error_of(ErrorKind::kUsage, [&] { check_place("x.html", formats); }).find("`out`"),
            std::string::npos);
}

TEST(Pictures, KnowTheHeadsOfACircuit) {
  const auto known = known_heads("movers: 1.1 1.2 @ END; rest: 0.3 @ S2");
  ASSERT_EQ(known.size(), 2U);
  EXPECT_EQ(known[0].name, "movers");
  EXPECT_EQ(known[0].heads, (std::vector<std::string>{"1.1", "1.2"}));
  EXPECT_FALSE(known_heads("paper").empty());
  const auto found = known_heads(golden("circuit.json"));
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.front().heads,
            known_heads(circuit_of(read_result(golden("circuit.json")).table)).front().heads);
}

TEST(StudyPage, HeadsThatMatterAreThoseOfACircuitAndOfTheLargestEffects) {
  const EffectTable heads = read_result(golden("heads.json")).table;
  EXPECT_EQ(heads_that_matter({{"a", heads}}).size(), 4U);
  EXPECT_TRUE(heads_that_matter({{"a", read_result(golden("accuracy.json")).table}}).empty());
  const EffectTable circuit = read_result(golden("circuit.json")).table;
  const auto both = heads_that_matter({{"a", heads}, {"b", circuit}});
  for (const HeadClass& one : circuit_of(circuit).classes) {
    for (const Head& head : one.heads) {
      EXPECT_NE(std::ranges::find(both, text_of(head)), both.end()) << text_of(head);
    }
  }
}

TEST(WriteFiles, MakesPicturesOfEverySectionAndThePageLast) {
  const TemporaryDirectory folder;
  const std::string out = (folder.path() / "out").string();
  std::vector<std::string> wrote;
  write_files(page_of_files({golden("heads.json"), golden("mlps.json")}),
              {.out = out, .stem = "page", .formats = {"html", "svg"}, .figure = "top_k"},
              [&](const std::filesystem::path& path) {
                EXPECT_TRUE(std::filesystem::exists(path));
                wrote.push_back(path.filename().string());
              });
  EXPECT_EQ(wrote, (std::vector<std::string>{"heads.top_k.svg", "mlps.top_k.svg", "page.html"}));
  write_files(page_of_files({golden("heads.json")}), {.out = out, .stem = "alone"}, {});
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "out" / "alone.html"));
}

}  // namespace
}  // namespace patchbay::runs
