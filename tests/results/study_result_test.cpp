// study.json, lists of tokens, and texts made visible.
#include "patchbay/results/study_result.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "patchbay/base/error.h"
#include "patchbay/base/visible_text.h"
#include "patchbay/io/file.h"
#include "patchbay/results/token_list.h"

namespace patchbay {
namespace {

StudyResult example() {
  return {.title = "A \"title\"",
          .text = "Two\nlines",
          .model = "ioi-small",
          .command = "patchbay study one",
          .attention_command = "",
          .known = {{"name mover", {"9.9", "10.0"}}},
          .sections = {{.id = "heads",
                        .experiment = "activation_patching",
                        .title = "Heads",
                        .text = "",
                        .left_out = "",
                        .lists = {{"top", {"rank", "cell"}, {{"1", "9.9"}}, {"a sentence"}}}},
                       {.id = "later",
                        .experiment = "path_patching",
                        .title = "Later",
                        .text = "why",
                        .left_out = "left out",
                        .lists = {}}}};
}

std::string refusal(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  try {
    (void)parse_study_result(text, "study.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadData);
    return error.what();
  }
  return "";
}

TEST(StudyResult, ReadsBackAsTheSameBytes) {
  const std::string text = to_json(example());
  EXPECT_EQ(to_json(parse_study_result(text, "study.json")), text);
  EXPECT_EQ(to_json(parse_study_result(to_json(StudyResult{}), "study.json")),
            to_json(StudyResult{}));
}

TEST(StudyResult, OfAStudyReadsBackAsTheSameBytes) {
  const auto path = std::filesystem::path(PATCHBAY_GOLDEN_DIR) / "report" / "study.json";
  const StudyResult study = read_study_result(path);
  EXPECT_EQ(study.command, "patchbay study figure_3b");
  EXPECT_EQ(to_json(study), read_file(path, 1 << 20));
}

TEST(StudyResult, EveryRuleIsNamed) {
  const std::string text = to_json(example());
  EXPECT_NE(refusal(text, "patchbay-study", "patchbay-result")
                .find("so this is not a list of a study's results"),
            std::string::npos);
  EXPECT_NE(
      refusal(text, "\"format_version\": 1", "\"format_version\": 2").find("reads version 1 only"),
      std::string::npos);
  EXPECT_NE(refusal(text, "\"known\"", "\"knwon\"").find("did you mean \"known\"?"),
            std::string::npos);
  EXPECT_NE(refusal(text, "\"id\": \"heads\"", "\"id\": \"../heads\"").find("it names a file"),
            std::string::npos);
  EXPECT_NE(refusal(text, "\"id\": \"later\"", "\"id\": \"heads\"").find("names two sections"),
            std::string::npos);
  EXPECT_NE(
      refusal(text, "[\"1\", \"9.9\"]", "[\"1\"]").find("has 1 texts, but there are 2 columns"),
      std::string::npos);
}

TEST(TokenList, SplitsWhatItJoined) {
  for (const std::vector<std::string>& tokens : std::vector<std::vector<std::string>>{
           {"When", " Mary"}, {"a|b", "\\", "|", ""}, {"\\|"}, {""}, {"x", "", ""}}) {
    EXPECT_EQ(split_tokens(join_tokens(tokens)), tokens);
  }
  EXPECT_EQ(join_tokens(std::vector<std::string>{"a", " b"}), "a| b");
}

TEST(VisibleText, EscapesWhatNobodySees) {
  EXPECT_EQ(visible_text("a\nb\x1b\u202e\xff"), "a\\nb\\x1b\\u202e\\xff");
  EXPECT_EQ(visible_text("Amélie"), "Amélie");
  EXPECT_EQ(visible_text("Amélie", 6), "Amélie");
  EXPECT_EQ(visible_text("Amélie", 4), "Amé…");
  EXPECT_EQ(visible_text("\xff\xff\xff", 2), "\\xff…");
}

}  // namespace
}  // namespace patchbay
