// Files of one question never go over those of another.
#include "patchbay/runs/earlier_files.h"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "patchbay/io/file.h"
#include "patchbay/results/result_json.h"
#include "patchbay/runs/files.h"
#include "patchbay/runs/question.h"
#include "tests/runs/runs_testing.h"
#include "tests/support/folder_contents.h"
#include "tests/support/temporary_directory.h"

namespace patchbay::runs {
namespace {

using patchbay::testing::contents_of;
using patchbay::testing::TemporaryDirectory;

EffectTable table() {
  EffectTable table;
  table.experiment = "accuracy";
  table.options = {{"metric", std::string("logit_diff")}, {"layers", std::string("all")}};
  table.metric = "logit_diff";
  table.axes = {{"prompt", {"0", "1"}}};
  table.values = {1.0, 2.0};
  table.effect = EffectKind::kRaw;
  table.provenance = {.model = "tiny",
                      .model_sha256 = "aa",
                      .weight_processing = {},
                      .task = "file:x.jsonl",
                      .prepend_bos = false,
                      .tokens_sha256 = "bb",
                      .version = "0.1.0",
                      .command = "patchbay run"};
  return table;
}

Question changed(const std::function<void(EffectTable&)>& change) {
  EffectTable other = table();
  change(other);
  return question_of(other);
}

TEST(Question, SaysWhatDiffers) {
  const Question there = question_of(table());
  const auto difference = [&](const std::function<void(EffectTable&)>& change) {
    return changed(change).difference_from(there);
  };
  EXPECT_EQ(difference([](EffectTable& t) { t.options[0].value = std::string("prob"); }),
            "metric (\"logit_diff\" there, \"prob\" here)");
  EXPECT_EQ(difference([](EffectTable& t) { t.experiment = "logit_lens"; }),
            "experiment (\"accuracy\" there, \"logit_lens\" here)");
  EXPECT_EQ(difference([](EffectTable& t) { t.provenance.model_sha256 = "cc"; }), "other weights");
  EXPECT_EQ(difference([](EffectTable& t) { t.provenance.tokens_sha256 = "cc"; }), "other prompts");
  EXPECT_EQ(difference([](EffectTable& t) {
              t.provenance.model = "large";
              t.provenance.model_sha256 = "cc";
            }),
            "model (\"tiny\" there, \"large\" here)");
  EXPECT_EQ(difference([](EffectTable& t) { t.provenance.weight_processing = {"center_unembed"}; }),
            "weight processing (nothing there, \"center_unembed\" here)");
}

TEST(Question, IsTheSameUnderAnotherNameOfTheModelAndInAnotherVersion) {
  const Question there = question_of(table());
  const auto difference = [&](const std::function<void(EffectTable&)>& change) {
    return changed(change).difference_from(there);
  };
  EXPECT_EQ(difference([](EffectTable& t) { t.provenance.version = "9.9"; }), "");
  EXPECT_EQ(difference([](EffectTable& t) { t.provenance.command = "again"; }), "");
  EXPECT_EQ(difference([](EffectTable& t) { t.provenance.model = "folder/tiny"; }), "");
  EXPECT_EQ(difference([](EffectTable& t) { t.provenance.task = "file:deep/y.jsonl"; }), "");
  EXPECT_EQ(difference([](EffectTable& t) { t.provenance.model_sha256 = ""; }), "")
      << "unknown is not different";
  EXPECT_EQ(difference([](EffectTable& t) {
              t.options.push_back({"newer", true});
            }),
            "")
      << "what the earlier version did not record";
}

TEST(Question, IsReadBackFromItsText) {
  Question question = question_of(table());
  question.add("circuit", "a: 1.2\n= \"b\"");
  EXPECT_EQ(Question::parse(question.text()), question);
  EXPECT_EQ(Question::parse("0.0.9\nabcdef\n\n"), Question()) << "an older version's scope";
}

class EarlierFiles : public ::testing::Test {
 protected:
  std::string refused(const Question& question) {
    const auto before = contents_of(folder_.path());
    const std::string error = error_of(
        ErrorKind::kUsage, [&] { refuse_other_result(folder_.path().string(), "a", question); });
    EXPECT_EQ(contents_of(folder_.path()), before);
    return error;
  }
  std::vector<std::string> names() {
    std::vector<std::string> names;
    for (const auto& [name, content] : contents_of(folder_.path())) names.push_back(name);
    return names;
  }
  void leave(std::initializer_list<std::string> names) {
    for (const std::string& name : names) write_file(folder_ / name, "earlier");
  }

  TemporaryDirectory folder_;
  std::string path_ = folder_.path().string();
  Question same_ = question_of(table());
  Question other_ = changed([](EffectTable& t) { t.options[0].value = std::string("prob"); });
};

TEST_F(EarlierFiles, OfAnotherQuestionAreRefusedWithTheWayOut) {
  EXPECT_EQ(refused(same_), "no error") << "nothing is there";
  write_json(folder_ / "a.json", table());
  EXPECT_EQ(refused(same_), "no error");
  const std::string error = refused(other_);
  for (const char* part : {"[`out`]", "a.json", "metric (\"logit_diff\" there, \"prob\" here)",
                           "another folder with `out`", "`overwrite`"}) {
    EXPECT_NE(error.find(part), std::string::npos) << error;
  }
}

TEST_F(EarlierFiles, OfUnknownQuestionsAreRefused) {
  leave({"a.json"});
  EXPECT_NE(refused(same_).find("cannot be read as a result"), std::string::npos);
  std::filesystem::remove(folder_ / "a.json");
  for (const char* name : {"a.csv", "a.npz", "a.dot", "a.heat_map.svg", "a.top_k.pdf"}) {
    leave({name});
    EXPECT_NE(refused(same_).find("nothing beside it says"), std::string::npos) << name;
    std::filesystem::remove(folder_ / name);
  }
  leave({"ab.csv", "a.b.svg", "a.txt"});
  EXPECT_EQ(refused(same_), "no error") << "files of other names are not the result's";
}

TEST_F(EarlierFiles, WithoutJsonAreKnownByANote) {
  const std::vector<std::string> csv = {"csv"};
  make_way_for(path_, "a", same_, csv);
  leave({"a.csv"});
  EXPECT_EQ(names(), (std::vector<std::string>{"a.csv", "a.question"}));
  EXPECT_EQ(refused(same_), "no error");
  EXPECT_NE(refused(other_).find("metric"), std::string::npos);
  const std::vector<std::string> json = {"json"};
  make_way_for(path_, "a", same_, json);
  EXPECT_EQ(names(), std::vector<std::string>{"a.csv"}) << "the JSON file tells it";
}

TEST_F(EarlierFiles, OfTheSameQuestionStayAndStaleOnesGo) {
  const std::vector<std::string> json = {"json"};
  write_json(folder_ / "a.json", table());
  leave({"a.csv", "a.heat_map.svg", "a.top_k.png", "b.heat_map.svg"});
  const auto before = contents_of(folder_.path());
  make_way_for(path_, "a", same_, json);
  EXPECT_EQ(contents_of(folder_.path()), before);
  make_way_for(path_, "a", other_, json);
  EXPECT_EQ(names(), (std::vector<std::string>{"a.json", "b.heat_map.svg"}))
      << "the JSON file is replaced whole";
  make_way_for(path_, "a", other_, std::vector<std::string>{"csv"});
  EXPECT_EQ(names(), (std::vector<std::string>{"a.question", "b.heat_map.svg"}));
}

TEST_F(EarlierFiles, OfAnotherVersionAreReplacedWithTheirPictures) {
  write_json(folder_ / "a.json", table());
  leave({"a.heat_map.svg"});
  const Question newer = changed([](EffectTable& t) { t.provenance.version = "9.9"; });
  EXPECT_EQ(refused(newer), "no error");
  make_way_for(path_, "a", newer, std::vector<std::string>{"json"});
  EXPECT_EQ(names(), std::vector<std::string>{"a.json"});
}

TEST_F(EarlierFiles, PagesOfOtherCommandsAreRefused) {
  refuse_other_page(path_, "report", "patchbay report a.json");
  write_file(folder_ / "report.html", "<dl><dt>command</dt><dd>patchbay report a.json</dd></dl>");
  refuse_other_page(path_, "report", "patchbay report a.json");
  const std::string error = error_of(
      ErrorKind::kUsage, [&] { refuse_other_page(path_, "report", "patchbay report b.json"); });
  EXPECT_NE(error.find("report.html: is there, and another command's"), std::string::npos) << error;
}

}  // namespace
}  // namespace patchbay::runs
