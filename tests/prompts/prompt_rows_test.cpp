// Forms of prompt files: every form of the same pairs gives the same rows.
#include "patchbay/prompts/prompt_rows.h"

#include <gtest/gtest.h>

#include "tests/support/error_text.h"
#include "tests/text/gpt2_files.h"

namespace patchbay {
namespace {

class PromptRows : public ::testing::Test {
 protected:
  std::vector<PromptRow> read(const std::string& name, std::string_view text) {
    folder_.write(name, text);
    return read_prompt_rows(folder_.path() / name);
  }
  std::string error(const std::string& name, std::string_view text) {
    std::string message = patchbay::error_of([&] { (void)read(name, text); });
    const std::string folder = folder_.path().string() + "/";
    for (std::size_t i; (i = message.find(folder)) != std::string::npos;) {
      message.erase(i, folder.size());
    }
    return message;
  }
  // Of each row: clean | answer | columns of its own.
  static std::vector<std::string> texts(const std::vector<PromptRow>& rows) {
    std::vector<std::string> texts;
    for (const PromptRow& row : rows) {
      std::string text = row.at("clean").as_string() + "|" + row.at("answer").as_string();
      for (const auto& [name, value] : row.others) text += "|" + name + "=" + value;
      texts.push_back(text);
    }
    return texts;
  }

  testing::TempFolder folder_;
};

const std::vector<std::string> kSame = {"Mary, \"and\"\nJohn| Mary|id=1", "Tom| Tom|id=2"};

TEST_F(PromptRows, AreTheSameInEveryForm) {
  const std::string first = R"({"Clean": "Mary, \"and\"\nJohn", "correct": " Mary", "id": 1})";
  const std::string second = R"({"clean_prompt": "Tom", "answer": " Tom", "id": 2})";
  const std::string mark = "\xEF\xBB\xBF";
  EXPECT_EQ(texts(read("a.jsonl", first + "\n\n" + second)), kSame);
  EXPECT_EQ(texts(read("b.jsonl", mark + first + "\r\n" + second + "\r\n")), kSame);
  EXPECT_EQ(texts(read("c.json", "[" + first + ",\n " + second + "]\n")), kSame);
  EXPECT_EQ(
      texts(read("d.json", "{\"about\": \"x\",\n \"prompts\": [" + first + "," + second + "]}")),
      kSame);
  EXPECT_EQ(texts(read("e.json", "{\"prompts\": [" + first + "," + second + "]}")), kSame);
  EXPECT_EQ(texts(read("f.csv",
                       "clean,answer,id\r\n\"Mary, \"\"and\"\"\nJohn\", Mary,1\r\nTom, "
                       "Tom,2\r\n")),
            kSame);
  EXPECT_EQ(texts(read("g.tsv", mark + "prompt\ttarget\tid\n\"Mary, \"\"and\"\"\nJohn\"\t Mary\t1\n"
                                       "Tom\t Tom\t2")),
            kSame);
}

TEST_F(PromptRows, SayWhereTheyStand) {
  const auto rows = read("p.csv", "clean,answer\n\"a\nb\", x\n\nc, y\n");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_TRUE(rows[0].where.starts_with("prompt 0 (")) << rows[0].where;
  EXPECT_TRUE(rows[0].where.ends_with("p.csv:2)")) << rows[0].where;
  EXPECT_TRUE(rows[1].where.ends_with("p.csv:5)")) << rows[1].where;
  EXPECT_EQ(rows[1].origin, "line 5");
  const auto array = read("p.json", R"([{"clean": "a", "answer": "b"}])");
  EXPECT_TRUE(array[0].where.starts_with("prompt 0 of "));
  EXPECT_EQ(array[0].origin, "");
}

TEST_F(PromptRows, OfSpreadsheetsAreReadAsTheyWriteThem) {
  const auto rows = read("p.csv",
                         "\xEF\xBB\xBFPrompt; Correct Answer;Wrong answer;Note\r\n"
                         "Mary, and;\" Mary\"; John;x\r\n;;;\r\nTom; Tom;;\r\n");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].at("clean").as_string(), "Mary, and");
  EXPECT_EQ(rows[0].at("answer").as_string(), " Mary");
  EXPECT_EQ(rows[0].at("wrong").as_string(), " John");
  EXPECT_EQ(rows[0].others.front().first, "Note");
  EXPECT_EQ(rows[1].find("wrong"), nullptr);
  EXPECT_EQ(rows[1].origin, "line 4");
}

TEST_F(PromptRows, OfTablesReadArraysInFieldsAlone) {
  const auto rows = read("p.csv",
                         "clean,answer,note,wrong\n\"[1, 2]\",\"[\"\" a\"\", 7]\",\"[1]\",\n[sic] "
                         "he, b,,\"[broken\"\n");
  EXPECT_EQ(rows[0].at("clean").items().size(), 2U);
  EXPECT_EQ(rows[0].at("answer").items()[1].as_int(), 7);
  EXPECT_EQ(rows[0].others.front().second, "[1]");
  EXPECT_EQ(rows[0].find("wrong"), nullptr);  // an empty cell
  EXPECT_EQ(rows[1].at("clean").as_string(), "[sic] he");
  EXPECT_EQ(rows[1].at("wrong").as_string(), "[broken");
}

TEST_F(PromptRows, AreRefusedWithTheLine) {
  EXPECT_EQ(error("p.jsonl", "{\"clean\": 1}\n[2]"),
            "[file] prompt 1 (p.jsonl:2): the outermost value must be an object such as "
            "{\"clean\": …}; correct the file");
  EXPECT_NE(error("p.jsonl", "{\"clean\": \"a\", \"Prompt\": \"b\"}")
                .find("and \"clean\" both say what is clean; keep one of them"),
            std::string::npos);
  EXPECT_NE(error("p.json", "{\"a\": [{\"clean\": 1}],\n \"b\": [{\"clean\": 1}]}")
                .find("p.json: holds an object that is neither a prompt nor has one array"),
            std::string::npos);
  EXPECT_EQ(error("p.csv", "clean,answer\na,b,c\n"),
            "[file] prompt 0 (p.csv:2): has 3 cells for 2 columns; put a cell with commas in "
            "quotes");
  EXPECT_EQ(error("p.csv", "clean,answer,clean\n"),
            "[file] p.csv: line 1: two columns are called \"clean\"; rename one of them");
  EXPECT_NE(error("p.csv", "Mary went,Mary\n").find("the first line names no column of prompts"),
            std::string::npos);
  EXPECT_NE(error("p.csv", "clean,answer\n\"a\" b,c\n").find("line 2: a quote is out of place"),
            std::string::npos);
  EXPECT_NE(error("p.csv", "clean,answer\n\"a,c\n").find("a quote is out of place"),
            std::string::npos);
  EXPECT_NE(error("p.csv", "clean,answer\n\xFF,c\n").find("is not UTF-8 at byte 13"),
            std::string::npos);
  EXPECT_TRUE(read("p.csv", "").empty());
  EXPECT_TRUE(read("p.jsonl", " \n\n").empty());
}

}  // namespace
}  // namespace patchbay
