// Files of prompt pairs: what a line may say, where its positions are, and how each mistake is
// named.
#include "patchbay/prompts/prompt_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/error_text.h"
#include "tests/support/task_models.h"

namespace patchbay {
namespace {

class PromptFile : public ::testing::Test {
 protected:
  PromptSet read(std::string_view text, const PromptFileOptions& options = {},
                 bool tokenizer = true) {
    folder_.write("p.jsonl", text);
    const auto& model = testing::ioi_small();
    return read_prompt_file(folder_.path() / "p.jsonl", model.cfg,
                            tokenizer ? &model.tokenizer : nullptr, options);
  }
  // The message, with the folder left out.
  std::string error(std::string_view text, const PromptFileOptions& options = {},
                    bool tokenizer = true) {
    std::string message;
    try {
      read(text, options, tokenizer);
    } catch (const Error& refused) {
      kind_ = refused.kind();
      message = refused.what();
    }
    const std::string folder = folder_.path().string() + "/";
    for (std::size_t i; (i = message.find(folder)) != std::string::npos;) {
      message.erase(i, folder.size());
    }
    return message;
  }

  testing::TempFolder folder_;
  ErrorKind kind_ = ErrorKind::kInternal;
};

constexpr const char* kPair =
    R"({"clean": "Mary and John went. John gave a book to",
        "corrupted": "Mary and John went. Mary gave a book to", "answer": " Mary", "wrong": " John"})";

std::string one_line(std::string text) {
  for (char& c : text) c = c == '\n' ? ' ' : c;
  return text;
}

TEST_F(PromptFile, ReadsTextsAndTokenIds) {
  const PromptSet set = read(one_line(kPair) + "\r\n\n  \n" +
                             R"({"clean": [1, 2], "corrupted": [1, 3], "answer": [7, " Mary"]})");
  ASSERT_EQ(set.size(), 2);
  EXPECT_TRUE(set.task.starts_with("file:"));
  EXPECT_EQ(set.position_names, std::vector<std::string>{"END"});
  EXPECT_TRUE(set.warnings.empty());
  const Tokenizer& tokenizer = testing::ioi_small().tokenizer;
  EXPECT_EQ(set.pairs[0].clean,
            tokenizer.to_tokens(set.pairs[0].clean_text, {.prepend_bos = false}));
  EXPECT_EQ(set.pairs[0].answers, std::vector{tokenizer.to_single_token(" Mary")});
  EXPECT_EQ(set.pairs[0].wrongs, std::vector{tokenizer.to_single_token(" John")});
  EXPECT_EQ(set.pairs[1].clean, (Prompt{1, 2}));
  EXPECT_EQ(set.pairs[1].corrupted, (Prompt{1, 3}));
  EXPECT_EQ(set.pairs[1].clean_text, "");
  EXPECT_EQ(set.pairs[1].answers, (std::vector<TokenId>{7, tokenizer.to_single_token(" Mary")}));
  EXPECT_TRUE(set.pairs[1].wrongs.empty());
  EXPECT_EQ(set.pairs[1].positions, std::vector<TokenSpan>{1});
}

TEST_F(PromptFile, TakesTheFirstPromptsThatAreAskedFor) {
  const std::string two = one_line(kPair) + "\n" + one_line(kPair);
  EXPECT_EQ(read(two).size(), 2);
  EXPECT_EQ(read(two, {.prompts = 1}).size(), 1);
  EXPECT_EQ(error(two, {.prompts = 3}),
            "[file] p.jsonl: has 2 prompts, and 3 were asked for; ask for fewer");
  EXPECT_EQ(kind_, ErrorKind::kUsage);
}

TEST_F(PromptFile, FindsNamedPositionsWithAndWithoutBos) {
  std::string line = one_line(kPair);
  line.pop_back();
  line += R"(, "group": "g", "positions": {"IO": ["Mary", 1], "S1": ["John", 1], "S2": ["John", 2],
              "and": 1, "book": -2, "X": null}})";
  for (const bool bos : {false, true}) {
    const PromptSet set = read(one_line(line), {.prepend_bos = bos});
    EXPECT_EQ(set.prepend_bos, bos);
    EXPECT_EQ(set.position_names,
              (std::vector<std::string>{"IO", "S1", "S2", "and", "book", "X", "END"}));
    const PromptPair& pair = set.pairs[0];
    EXPECT_EQ(pair.group, "g");
    const auto model = testing::ioi_small().get();
    for (const auto& [name, token] :
         {std::pair{"IO", "Mary"}, std::pair{"S1", " John"}, std::pair{"S2", " John"},
          std::pair{"and", " and"}, std::pair{"book", " book"}, std::pair{"X", "none"},
          std::pair{"END", " to"}}) {
      EXPECT_EQ(testing::at(model, set, pair, name), token);
    }
    EXPECT_EQ(testing::at(model, set, pair, "S2", true), " Mary");
    EXPECT_GT(pair.positions[2].first, pair.positions[1].last);
    EXPECT_EQ(pair.corrupted_positions, pair.positions);
  }
}

TEST_F(PromptFile, LetsTheCorruptedPromptHavePositionsOfItsOwn) {
  const PromptSet set = read(one_line(
      R"({"clean": [1, 2, 3], "corrupted": [4, 1, 2], "answer": 9, "positions": {"one": 0},
          "corrupted_positions": {"one": 1}})"));
  EXPECT_EQ(set.pairs[0].positions, (std::vector<TokenSpan>{0, 2}));
  EXPECT_EQ(set.pairs[0].corrupted_positions, (std::vector<TokenSpan>{1, 2}));
}

TEST_F(PromptFile, TakesAllTokensOfWordsOrOfARange) {
  const PromptSet set = read(one_line(
      R"({"clean": "the ripe strawberries were", "corrupted": "the ripe strawberries went",
          "answer": 5, "subject": "ripe strawberries",
          "positions": {"fruit": "strawberries", "same": ["strawberries"], "none_here": null,
                        "range": [1, 3], "back": [-2, -1], "one": [2, 2.0]}})"));
  const auto model = testing::ioi_small().get();
  const auto at = [&](const char* name) { return testing::at(model, set, set.pairs[0], name); };
  EXPECT_EQ(at("fruit"), " strawberries");
  EXPECT_EQ(at("same"), " strawberries");
  EXPECT_TRUE(at("subject").ends_with("ripe strawberries"));
  EXPECT_EQ(at("none_here"), "none");
  const auto span = [&](const char* name) {
    return set.pairs[0].positions[set.index_of_position(name)];
  };
  EXPECT_GT(span("fruit").size(), 1);
  EXPECT_EQ(span("range"), TokenSpan(1, 3));
  const auto length = static_cast<std::int32_t>(set.pairs[0].clean.size());
  EXPECT_EQ(span("back"), TokenSpan(length - 2, length - 1));
  EXPECT_EQ(span("one"), TokenSpan(2));
  EXPECT_EQ(set.tokens_text(set.named_position("range")), "3 tokens");
  EXPECT_EQ(set.tokens_text(set.named_position("range:last")), "");
  EXPECT_EQ(set.tokens_text(set.named_position("one")), "");
  EXPECT_EQ(set.text_of(set.named_position("range:last")), "range:last");
  EXPECT_NE(error_of([&] {
              (void)set.named_position("range:middle");
            }).find("write range:first or range:last"),
            std::string::npos);
}

TEST_F(PromptFile, WarnsOfANameThatIsLongerOnOneSide) {
  const PromptSet set = read(
      R"({"clean": [1, 2, 3], "corrupted": [4, 1, 2], "answer": 9, "positions": {"one": [0, 1]}, "corrupted_positions": {"one": 1}})");
  ASSERT_EQ(set.warnings.size(), 1U);
  EXPECT_NE(set.warnings[0].find("one is 2 tokens in the clean prompt and 1 in the corrupted one"),
            std::string::npos);
}

TEST_F(PromptFile, MayLackTheCorruptedPrompt) {
  const PromptSet set = read(
      R"({"clean": [1, 2, 3], "answer": 9, "positions": {"one": 0}}
{"clean": [1, 2, 3], "corrupted": null, "answer": 9})");
  set.check();
  EXPECT_FALSE(set.has_corrupted());
  EXPECT_TRUE(set.warnings.empty());
  EXPECT_EQ(set.pairs[0].corrupted_positions, std::vector<TokenSpan>(2));
}

TEST_F(PromptFile, WarnsOfWhatIsProbablyAMistake) {
  const PromptSet set = read(R"({"clean": "John ", "corrupted": "Mary ", "answer": " Mary"}
{"clean": [1], "corrupted": [1], "answer": 2})");
  ASSERT_EQ(set.warnings.size(), 3U);
  EXPECT_NE(set.warnings[0].find("p.jsonl:1): the clean prompt ends in a space"),
            std::string::npos);
  EXPECT_NE(set.warnings[1].find("p.jsonl:1): the corrupted prompt ends in a space"),
            std::string::npos);
  EXPECT_NE(set.warnings[2].find("p.jsonl:2): clean and corrupted are the same"),
            std::string::npos);
}

TEST_F(PromptFile, NamesFileAndLineOfEveryMistake) {
  const std::vector<std::pair<std::string, std::string>> mistakes = {
      {"", "p.jsonl: holds no prompts"},
      {"\n \n", "p.jsonl: holds no prompts"},
      {"\n{", "p.jsonl:2): not valid JSON"},
      {"{\"clean\": \"\xFF\"}", "p.jsonl"},
      {R"({"claen": "a"})", R"(says nothing of "clean", which is needed; is "claen" it?)"},
      {R"({"corrupted": "a", "answer": 1})",
       R"(nothing of "clean", which is needed; it has answer)"},
      {R"({"clean": [1], "answer": 1, "corrupted_positions": {"A": 0}})",
       R"("corrupted_positions" are of a corrupted prompt, which the row lacks)"},
      {R"({"clean": "a", "corrupted": "b"})", R"(nothing of "answer")"},
      {R"({"clean": "a", "clean": "b"})", "clean"},
      {R"({"clean": 5, "corrupted": "b", "answer": 1})", R"("clean" must be a text or an array)"},
      {R"({"clean": null, "corrupted": "b", "answer": 1})", R"("clean" must be)"},
      {R"({"clean": "", "corrupted": "b", "answer": 1})", "p.jsonl:1): the text is empty"},
      {R"({"clean": [], "corrupted": [], "answer": 1})", "the clean prompt is empty"},
      {R"({"clean": [1.5], "corrupted": [1], "answer": 1})", R"("clean[0]" must be an integer)"},
      {R"({"clean": [1], "corrupted": ["x"], "answer": 1})", R"("corrupted[0]" must be)"},
      {R"({"clean": [-1], "corrupted": [1], "answer": 1})",
       R"("clean[0]" is -1, which is not a token)"},
      {R"({"clean": [4294967297], "corrupted": [1], "answer": 1})", "which is not a token id"},
      {R"({"clean": [1273], "corrupted": [1], "answer": 1})",
       "the clean prompt holds token 1273; the vocabulary has 0 to 1272"},
      {R"({"clean": [1, 2], "corrupted": [1], "answer": 1})",
       "p.jsonl:1): the clean prompt has 2 tokens, the corrupted one 1"},
      {R"({"clean": "Mary", "corrupted": "Mary went", "answer": 1})", "must be equally long"},
      {R"({"clean": [1], "corrupted": [2], "answer": []})", "p.jsonl:1): there is no answer"},
      {R"({"clean": [1], "corrupted": [2], "answer": ""})", "says nothing of \"answer\""},
      {R"({"clean": [1], "corrupted": [2], "answer": " nowhere"})", "tokens, not one"},
      {R"({"clean": [1], "corrupted": [2], "answer": 1.5})", R"("answer" must be)"},
      {R"({"clean": [1], "corrupted": [2], "answer": {}})", R"("answer" must be a text)"},
      {R"({"clean": [1], "corrupted": [2], "answer": true})", R"("answer" must be a text)"},
      {R"({"clean": [1], "corrupted": [2], "answer": 1273})", "the answer 1273 is not a token"},
      {R"({"clean": [1], "corrupted": [2], "answer": [3, 3]})", "token 3 is named twice"},
      {R"({"clean": [1], "corrupted": [2], "answer": 3, "wrong": [3]})", "token 3 is named twice"},
      {R"({"clean": [1], "corrupted": [2], "answer": 3, "group": 4})", R"("group" must be)"},
      {R"({"clean": [1], "corrupted": [2], "answer": 3, "positions": 4})",
       R"("positions" must be)"},
      {R"({"clean": [1], "corrupted": [2], "answer": 3, "positions": {"END": 0}})", "END"},
      {R"({"clean": [1], "corrupted": [2], "answer": 3, "positions": {"A": 1}})",
       R"("positions.A" is 1; the prompt has 1 token)"},
      {R"({"clean": [1], "corrupted": [2], "answer": 3, "positions": {"A": -2}})",
       R"("positions.A" is -2)"},
      {R"({"clean": [1], "corrupted": [2], "answer": 3, "positions": {"A": "x"}})",
       "must be a number, since the prompt is token ids"},
      {R"({"clean": "a b a", "corrupted": "a b c", "answer": 3, "positions": {"A": "x"}})",
       R"(names "x", which the prompt has 0 times as a word)"},
      {R"({"clean": "a b a", "corrupted": "a b c", "answer": 3, "positions": {"A": "a"}})",
       R"(2 times; say which)"},
      {R"({"clean": "a b a", "corrupted": "a b c", "answer": 3, "positions": {"A": ["a", 3]}})",
       R"("positions.A" names "a")"},
      {R"({"clean": "a b a", "corrupted": "a b c", "answer": 3, "positions": {"A": ["a"]}})",
       R"(2 times; say which)"},
      {R"({"clean": "a b a", "corrupted": "a b c", "answer": 3, "positions": {"A": ["a", 1, 2]}})",
       R"(must be words and which)"},
      {R"({"clean": "a b a", "corrupted": "a b c", "answer": 3, "positions": {"A": []}})",
       R"(must be words and which)"},
      {R"({"clean": "a b a", "corrupted": "a b c", "answer": 3, "positions": {"A": [2, 1]}})",
       R"(ends before it begins)"},
      {R"({"clean": "a b a", "corrupted": "a b c", "answer": 3, "positions": {"A": [0, 9]}})",
       R"("positions.A[1]" is 9)"},
      {R"({"clean": "a b a", "corrupted": "a b c", "answer": 3, "positions": {"A": ""}})",
       R"(0 times)"}};
  for (const auto& [text, says] : mistakes) {
    const std::string message = error(text);
    EXPECT_NE(message.find(says), message.npos) << text << "\n" << message;
    EXPECT_EQ(kind_, ErrorKind::kBadData) << text;
    EXPECT_TRUE(message.starts_with("[file] p.jsonl") || message.starts_with("[file] prompt 0 (p"))
        << message;
    // The same after a line that is right.
    if (text.find('\n') != std::string::npos || text.empty()) continue;
    const std::string later = error(one_line(kPair) + "\n" + text);
    EXPECT_TRUE(later.starts_with("[file] prompt 1 (p.jsonl:2): ")) << later;
  }
  std::string ids = "[0";
  for (int i = 1; i <= 64; ++i) ids += ", 1";
  const std::string message =
      error("{\"clean\": " + ids + "], \"corrupted\": " + ids + "], \"answer\": 1}");
  EXPECT_NE(message.find("has 65 tokens; ioi-small reads at most 64"), message.npos) << message;
}

TEST_F(PromptFile, NamesAllPromptsThatDoNotFitAtOnceOrLeavesThemOut) {
  const std::string good = one_line(kPair) + "\n";
  const std::string shorter = R"({"clean": "Mary", "corrupted": "Mary went", "answer": " Mary"})";
  const std::string unknown = R"({"clean": "Mary", "corrupted": "John", "answer": " nowhere"})";
  const std::string text = good + shorter + "\n" + good + unknown + "\n";
  const std::string message = error(text);
  EXPECT_TRUE(message.starts_with("[file] prompt 1 (p.jsonl:2): the clean prompt has 1 tokens"))
      << message;
  EXPECT_NE(message.find("; prompt 3 (p.jsonl:4): the answer"), std::string::npos) << message;
  EXPECT_TRUE(
      message.ends_with("2 of 4 prompts of p.jsonl do not fit: correct them, or leave them "
                        "out with `skip-unfit`"))
      << message;
  const PromptSet set = read(text, {.skip_unfit = true});
  EXPECT_EQ(set.size(), 2);
  EXPECT_EQ(set.left_out, 2);
  EXPECT_EQ(set.pairs[1].origin, "line 3");
  ASSERT_EQ(set.warnings.size(), 1U);
  EXPECT_TRUE(
      set.warnings[0].starts_with("2 of 4 prompts are left out because they do not fit: "
                                  "prompt 1 ("));
  EXPECT_EQ(read(text, {.prompts = 1, .skip_unfit = true}).left_out, 0);
  EXPECT_NE(error(text, {.prompts = 3, .skip_unfit = true}).find("2 of its 4 prompts fit"),
            std::string::npos);
  EXPECT_NE(error(shorter + "\n" + shorter, {.skip_unfit = true}).find("2 of 2 prompts"),
            std::string::npos);
  std::string many;
  for (int i = 0; i < 12; ++i) many += shorter + "\n";
  EXPECT_NE(error(many).find("; and 2 more; 12 of 12 prompts"), std::string::npos);
}

TEST_F(PromptFile, KeepsColumnsOfItsOwn) {
  const PromptSet set = read(
      R"({"clean": [1], "corrupted": [2], "answer": 3, "id": 7, "wrng": "x"})"
      "\n"
      R"({"clean": [1], "corrupted": [2], "answer": 3.0, "score": 0.5, "tags": ["a", null, 2]})");
  ASSERT_EQ(set.columns.size(), 4U);
  EXPECT_EQ(set.columns[0].name, "id");
  EXPECT_EQ(set.columns[0].texts, (std::vector<std::string>{"7", ""}));
  EXPECT_EQ(set.columns[2].texts, (std::vector<std::string>{"", "0.5"}));
  EXPECT_EQ(set.columns[3].texts, (std::vector<std::string>{"", R"(["a", null, 2])"}));
  ASSERT_EQ(set.warnings.size(), 1U);
  EXPECT_EQ(set.warnings[0], R"("wrng" is kept as a column of the file's own; is it "wrong"?)");
}

TEST_F(PromptFile, MatchesWholeWordsAlone) {
  const std::string pair = R"({"clean": "Lisa saw Tom and Tommy. Tom left",
                               "corrupted": "Lisa saw Tom and Tommy. Tom left",
                               "answer": 1, "positions": {"S2": ["Tom", 2]}})";
  const PromptSet set = read(one_line(pair));
  const PromptPair& found = set.pairs[0];
  EXPECT_EQ(testing::ioi_small().tokenizer.token_bytes(
                found.clean[static_cast<std::size_t>(found.positions[0].last)]),
            " Tom");
  EXPECT_GT(found.positions[0].first, 5);  // behind Tommy
  EXPECT_NE(error(one_line(pair).replace(one_line(pair).find(", 2]"), 4, ", 3]"))
                .find(R"(names "Tom", which the prompt has 2 times as a word)"),
            std::string::npos);
}

TEST_F(PromptFile, RefusesNamesOfPositionsThatMeanSomethingElse) {
  for (const char* name : {"3", "-1", "all", "All", "end", "END", "middle", "a b", "a,b", "a@b",
                           "S2:first", "", "1st"}) {
    const std::string message = error(fmt::format(
        R"({{"clean": [1], "corrupted": [2], "answer": 3, "positions": {{"{}": 0}}}})", name));
    EXPECT_NE(message.find("names a position"), std::string::npos) << name << ": " << message;
    EXPECT_EQ(kind_, ErrorKind::kBadData);
  }
  EXPECT_EQ(error(R"({"clean": [1], "corrupted": [2], "answer": 3, "positions": {"S1+1": 0}})"),
            "");
}

TEST_F(PromptFile, SaysWhatItReadsOfSpecialTokensAndAnswers) {
  const std::string text =
      R"({"clean": "<|endoftext|>Mary went", "corrupted": "<|endoftext|>John went", "answer": "Mary"})";
  const PromptSet plain = read(text);
  ASSERT_EQ(plain.warnings.size(), 2U);
  EXPECT_NE(plain.warnings[0].find(R"("<|endoftext|>" is read as plain characters)"),
            std::string::npos);
  EXPECT_NE(plain.warnings[1].find(R"(the answer "Mary" has no space before it, and " Mary" is a)"),
            std::string::npos);
  const PromptSet special = read(text, {.parse_special = true});
  EXPECT_EQ(special.pairs[0].clean.front(), testing::ioi_small().tokenizer.bos_token_id());
  EXPECT_EQ(special.warnings.size(), 1U);
  const PromptSet twice = read(text, {.prepend_bos = true, .parse_special = true});
  EXPECT_NE(twice.warnings[0].find("begins with two BOS"), std::string::npos);
  const std::string several = R"({"clean": [1], "corrupted": [2], "answer": " nowhere"})";
  EXPECT_NE(error(several).find("with `answer-token` first"), std::string::npos);
  const auto first = testing::ioi_small().tokenizer.to_tokens(" nowhere", {.prepend_bos = false});
  EXPECT_EQ(read(several, {.first_answer_token = true}).pairs[0].answers.front(), first.front());
}

TEST_F(PromptFile, RefusesBosForTokenIdsAndTextWithoutATokenizer) {
  const char* ids = R"({"clean": [1], "corrupted": [2], "answer": 3})";
  EXPECT_NE(error(ids, {.prepend_bos = true}).find("p.jsonl:1): token ids are taken as they are"),
            std::string::npos);
  EXPECT_EQ(kind_, ErrorKind::kUsage);
  EXPECT_EQ(error(ids, {}, false), "");
  EXPECT_NE(error(one_line(kPair), {}, false).find("no tokenizer"), std::string::npos);
  EXPECT_EQ(kind_, ErrorKind::kUsage);
}

TEST_F(PromptFile, IsA66WhereThereIsNone) {
  const auto& model = testing::ioi_small();
  try {
    read_prompt_file(folder_.path() / "none.jsonl", model.cfg, &model.tokenizer, {});
    FAIL();
  } catch (const Error& refused) {
    EXPECT_EQ(refused.kind(), ErrorKind::kNoInput);
  }
}

}  // namespace
}  // namespace patchbay
