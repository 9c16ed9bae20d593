// Studies through patchbay::runs: results with words, resumed, in shards, as a page.
#include "patchbay/runs/study_run.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "patchbay/io/file.h"
#include "patchbay/results/result_json.h"
#include "patchbay/runs/page_of_files.h"
#include "patchbay/runs/shard.h"
#include "tests/runs/runs_testing.h"
#include "tests/support/folder_contents.h"
#include "tests/support/temporary_directory.h"

namespace patchbay::runs {
namespace {

using patchbay::testing::contents_of;
using patchbay::testing::TemporaryDirectory;

constexpr std::string_view kStudy = R"(title = "Mine"
model = "ioi-small"
[task]
name = "ioi"
prompts = 6
[reference]
name = "GPT-2 small"
n_layers = 12
n_heads = 12
d_model = 768
[[experiment]]
id = "right"
experiment = "accuracy"
title = "Accuracy"
prompts = 4
show = ["prompts"]
[[experiment]]
id = "theirs"
experiment = "activation_patching"
title = "Their head"
reference_only = true
[[experiment]]
id = "heads"
experiment = "activation_patching"
title = "Heads"
show = ["grid", "top:3", "largest:2"]
[[experiment]]
id = "layers"
experiment = "activation_patching"
title = "Layers"
options = { site = "attn_out", axes = "layer" }
)";

class Studies : public ::testing::Test {
 protected:
  Studies() { write_file(file_, kStudy); }

  [[nodiscard]] StudyRun study(const RunContext& ctx) const {
    return StudyRun(ctx, {.study = file_.string()});
  }
  [[nodiscard]] Output output(const char* name) const {
    return {.folder = (folder_ / name).string(), .formats = {"json", "html", "svg"}};
  }

  RunContext ctx_;
  TemporaryDirectory folder_;
  std::filesystem::path file_ = folder_ / "mine.toml";
};

TEST_F(Studies, TellTheirStepsAndWriteResultsPicturesAndAPage) {
  std::vector<std::string> told;
  const StudyObserver observer = {
      .begins = [&](const std::string& id) { told.push_back("begins " + id); },
      .ended =
          [&](const StudyEvent& event) {
            EXPECT_EQ(event.step.id, event.section.id);
            EXPECT_EQ(event.table == nullptr, !event.section.left_out.empty());
            EXPECT_FALSE(event.resumed);
            told.push_back("ended " + event.section.id + " " +
                           std::to_string(event.section.lists.size()) + " " +
                           std::to_string(event.files.size()));
          },
      .completes = [&] { told.emplace_back("completes"); }};
  const StudyOutcome outcome = study(ctx_).result(output("out"), observer);
  EXPECT_EQ(told, (std::vector<std::string>{"begins right", "ended right 1 1", "ended theirs 0 0",
                                            "begins heads", "ended heads 1 1", "begins layers",
                                            "ended layers 0 1", "completes",
                                            "begins patterns_of_heads"}));
  EXPECT_NE(outcome.result.sections[1].left_out.find("this is about GPT-2 small"),
            std::string::npos);
  EXPECT_EQ(outcome.tables.at("right").n_prompts(), 4);
  EXPECT_EQ(outcome.tables.at("heads").provenance.command, "patchbay study mine.toml");

  const auto contents = contents_of(folder_ / "out");
  EXPECT_EQ(contents.size(), outcome.files.size());
  for (const auto& file : outcome.files) {
    EXPECT_TRUE(contents.contains(file.filename().string())) << file;
  }
  EXPECT_TRUE(contents.contains("heads.heat_map.svg"));
  EXPECT_EQ(outcome.page, folder_ / "out" / "report.html");
  EXPECT_EQ(html_page(page_of_files({(folder_ / "out").string()})), contents.at("report.html"));
}

TEST_F(Studies, WithoutAFolderGiveTheSameTablesAndWriteNothing) {
  const StudyOutcome written = study(ctx_).result(output("out"));
  const StudyOutcome outcome = study(ctx_).result();
  EXPECT_TRUE(outcome.files.empty());
  EXPECT_FALSE(outcome.page);
  for (const auto& [id, table] : outcome.tables) {
    EXPECT_EQ(to_json(table), to_json(written.tables.at(id))) << id;
  }
}

TEST_F(Studies, GoOnWhereTheyWereStoppedAndEndWithTheSameBytes) {
  (void)study(ctx_).result(output("whole"));
  struct Stopped {};
  const StudyObserver stops = {.ended = [](const StudyEvent& event) {
    if (event.step.id == "heads") throw Stopped{};
  }};
  EXPECT_THROW((void)study(ctx_).result(output("cut"), stops), Stopped);
  std::vector<std::string> resumed;
  const StudyObserver observer = {.ended = [&](const StudyEvent& event) {
    if (event.resumed) resumed.push_back(event.step.id);
    EXPECT_EQ(event.files.empty(), event.resumed || event.table == nullptr);
  }};
  (void)study(ctx_).result(output("cut"), observer);
  EXPECT_EQ(resumed, (std::vector<std::string>{"right", "heads"}));
  EXPECT_EQ(contents_of(folder_ / "cut"), contents_of(folder_ / "whole"));

  resumed.clear();
  (void)study(ctx_).result(output("cut"), observer);
  EXPECT_TRUE(resumed.empty()) << "a finished study runs again as a whole";
  EXPECT_EQ(contents_of(folder_ / "cut"), contents_of(folder_ / "whole"));
}

TEST_F(Studies, InShardsHaveTheBytesOfOneProcess) {
  (void)study(ctx_).result(output("whole"));
  for (const std::int64_t number : {0, 1}) study(ctx_).run_shard(output("parts"), {number, 2});
  const Whole whole = merge_shards((folder_ / "parts").string());
  const StudyRun merged(ctx_, std::get<StudySpec>(whole.what));
  (void)merged.result({.folder = (folder_ / "parts").string(), .formats = whole.formats});
  EXPECT_EQ(contents_of(folder_ / "parts"), contents_of(folder_ / "whole"));
}

TEST_F(Studies, RefuseBeforeAnythingRunsWhatTheModelDoesNotHave) {
  std::string wrong(kStudy);
  wrong.replace(wrong.find("attn_out"), 8, "attn_on!");
  write_file(file_, wrong);
  const std::string says = error_of(ErrorKind::kBadConfig, [&] { (void)study(ctx_); });
  EXPECT_NE(says.find("mine.toml, line "), std::string::npos) << says;
  EXPECT_NE(says.find(": layers: "), std::string::npos) << says;
  EXPECT_NE(error_of(ErrorKind::kNoInput, [&] { (void)StudyRun(ctx_, {.study = "ioi_lap"}); })
                .find("did you mean \"ioi_lab\""),
            std::string::npos);
  EXPECT_NE(error_of(ErrorKind::kNoInput,
                     [&] { (void)StudyRun(ctx_, {.study = file_.string(), .model = "nowhere"}); }),
            "no error");
}

TEST_F(Studies, RefuseFormatsThatTheyCannotWrite) {
  const Output wrong{.folder = (folder_ / "out").string(), .formats = {"json", "htm"}};
  const StudyRun run = study(ctx_);
  for (const auto& call : std::vector<std::function<void()>>{[&] { (void)run.result(wrong); },
                                                             [&] {
                                                               run.run_shard(wrong, {0, 2});
                                                             }}) {
    EXPECT_NE(error_of(ErrorKind::kUsage, call).find("did you mean \"html\""), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
}

}  // namespace
}  // namespace patchbay::runs
