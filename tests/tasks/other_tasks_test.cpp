// Greater-than, gendered pronouns and induction: what their prompts, answers and positions are.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "tests/support/task_models.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

using tasks::TaskModel;
using testing::at;

TEST(GreaterThan, AsksForALaterYearOfTheCentury) {
  for (const auto* owner : {&testing::ioi_small(), &testing::gpt2_tasks()}) {
    const TaskModel model = owner->get();
    const PromptSet set = make_prompts(model, "greater_than", {.prompts = 300});
    for (const PromptPair& pair : set.pairs) {
      const std::string noun = at(model, set, pair, "NOUN");
      const std::string xx = at(model, set, pair, "XX");
      const std::string yy = at(model, set, pair, "YY");
      EXPECT_EQ(pair.clean_text,
                "The" + noun + " lasted from the year" + xx + yy + " to the year" + xx);
      EXPECT_EQ(pair.corrupted_text,
                "The" + noun + " lasted from the year" + xx + "01 to the year" + xx);
      EXPECT_EQ(at(model, set, pair, "END"), xx);
      const int start = std::stoi(yy);
      EXPECT_GE(start, 2);
      EXPECT_LE(start, 98);
      EXPECT_EQ(pair.answers.size(), static_cast<std::size_t>(99 - start));
      EXPECT_EQ(pair.wrongs.size(), static_cast<std::size_t>(start + 1));
      for (const TokenId id : pair.answers) {
        EXPECT_GT(std::stoi(model.tokenizer->token_bytes(id)), start);
      }
      for (const TokenId id : pair.wrongs) {
        EXPECT_LE(std::stoi(model.tokenizer->token_bytes(id)), start);
      }
    }
  }
}

TEST(GreaterThan, KnowsEveryNounOnGpt2) {
  EXPECT_TRUE(make_prompts(testing::gpt2_tasks().get(), "greater_than").warnings.empty());
}

TEST(GreaterThan, ComparesTheTensWhereATokenIsOneDigit) {
  const TaskModel model = testing::gpt2_by_digits().get();
  const PromptSet set = make_prompts(model, "greater_than", {.prompts = 300});
  for (const PromptPair& pair : set.pairs) {
    const std::string year = pair.clean_text.substr(pair.clean_text.find("year ") + 5, 4);
    EXPECT_EQ(at(model, set, pair, "YY"), year.substr(2));
    EXPECT_EQ(at(model, set, pair, "END"), year.substr(1, 1));
    const int tens = year[2] - '0';
    EXPECT_GE(tens, 1);
    EXPECT_LE(tens, 8);
    EXPECT_EQ(pair.answers.size(), static_cast<std::size_t>(9 - tens));
    EXPECT_EQ(pair.wrongs.size(), static_cast<std::size_t>(tens));
    for (const TokenId id : pair.answers) {
      EXPECT_GT(std::stoi(model.tokenizer->token_bytes(id)), tens);
    }
    for (const TokenId id : pair.wrongs) {
      EXPECT_LT(std::stoi(model.tokenizer->token_bytes(id)), tens);
    }
  }
}

TEST(GenderedPronoun, ExchangesANameForOneOfTheOtherGender) {
  const std::set<std::string> men = {" John", " David", " Mark", " Paul", " Ryan",
                                     " Gary", " Jack",  " Sean", " Carl", " Joe"};
  for (const auto* owner : {&testing::ioi_small(), &testing::gpt2_tasks()}) {
    const TaskModel model = owner->get();
    for (const char* type : {"clause", "tag_question"}) {
      const PromptSet set = make_prompts(model, "gendered_pronoun", {.prompt_type = type});
      for (const PromptPair& pair : set.pairs) {
        const bool he = men.contains(at(model, set, pair, "NAME"));
        EXPECT_NE(men.contains(at(model, set, pair, "NAME", true)), he);
        EXPECT_EQ(model.tokenizer->to_string(pair.answers), he ? " he" : " she");
        EXPECT_EQ(model.tokenizer->to_string(pair.wrongs), he ? " she" : " he");
      }
    }
  }
  // Few names and sentences make few prompts.
  const PromptSet some = make_prompts(testing::gpt2_tasks().get(), "gendered_pronoun");
  ASSERT_EQ(some.warnings.size(), 1U);
  EXPECT_NE(some.warnings[0].find(fmt::format("of {} prompts are distinct", some.size())),
            std::string::npos)
      << some.warnings[0];
}

TEST(Induction, RepeatsRandomTokens) {
  const TaskModel model = testing::ioi_small().get();
  for (const bool bos : {false, true}) {
    const PromptSet set = make_prompts(model, "induction", {.prepend_bos = bos});
    for (const PromptPair& pair : set.pairs) {
      const Prompt tokens(pair.clean.begin() + (bos ? 1 : 0), pair.clean.end());
      ASSERT_EQ(tokens.size(), 39U);
      EXPECT_TRUE(std::equal(tokens.begin() + 20, tokens.end(), tokens.begin()));
      EXPECT_EQ(std::set<TokenId>(tokens.begin(), tokens.end()).size(), 20U);
      EXPECT_EQ(pair.answers, std::vector<TokenId>{tokens[19]});
      EXPECT_EQ(at(model, set, pair, "A1"), at(model, set, pair, "END"));
      EXPECT_EQ(at(model, set, pair, "B1"), model.tokenizer->token_bytes(pair.answers[0]));
      EXPECT_EQ(at(model, set, pair, "B1", true), model.tokenizer->token_bytes(pair.wrongs[0]));
      for (const AddedToken& special : model.tokenizer->special_tokens()) {
        EXPECT_EQ(std::ranges::count(tokens, special.id), 0);
      }
    }
  }
}

TEST(Induction, CorruptsOneTokenOrTheWholeFirstCopy) {
  const TaskModel model = testing::ioi_small().get();
  for (const auto& [corruption, changed] : {std::pair{"next", 1}, std::pair{"first_copy", 20}}) {
    for (const PromptPair& pair :
         make_prompts(model, "induction", {.corruption = corruption}).pairs) {
      int different = 0;
      for (std::size_t i = 0; i < pair.clean.size(); ++i) {
        different += pair.clean[i] != pair.corrupted[i] ? 1 : 0;
        EXPECT_TRUE(i < 20 || pair.clean[i] == pair.corrupted[i]);
      }
      EXPECT_EQ(different, changed);
      EXPECT_EQ(std::ranges::count(pair.corrupted, pair.answers[0]), 0);
      EXPECT_EQ(std::ranges::count(pair.clean, pair.wrongs[0]), 0);
    }
  }
}

TEST(Induction, FitsIntoASmallModelWithoutATokenizer) {
  HookedTransformerConfig cfg;
  cfg.model_name = "small";
  cfg.n_ctx = 10;
  cfg.d_vocab = 16;
  cfg.bos_token_id = 15;
  const PromptSet set = make_prompts(TaskModel{.cfg = cfg}, "induction", {.prepend_bos = true});
  ASSERT_EQ(set.warnings.size(), 1U);
  EXPECT_EQ(set.longest(), 10);  // BOS, five tokens and four again
  for (const PromptPair& pair : set.pairs) {
    EXPECT_EQ(pair.clean.front(), 15);
    EXPECT_EQ(std::ranges::count(pair.clean, 15), 1);
  }
  cfg.n_ctx = 4;
  EXPECT_NE(testing::error_of([&] { make_prompts(TaskModel{.cfg = cfg}, "induction"); }), "");
}

// Probabilities of the answers minus those of the wrongs, or logits, on the model that is shipped.
TEST(IoiSmallModel, PrefersTheAnswersOfEveryTask) {
  const RunContext ctx{RunOptions{.threads = 2}};
  const HookedTransformer model =
      load_model(ctx, std::filesystem::path(PATCHBAY_MODELS_DIR) / "ioi-small");
  for (const auto& [task, least] :
       {std::pair{"ioi", 0.95}, std::pair{"ioi_lab", 0.95}, std::pair{"ioi_walkthrough", 0.95},
        std::pair{"gendered_pronoun", 0.6}, std::pair{"greater_than", 0.8},
        std::pair{"induction", 0.7}}) {
    const PromptSet set = make_prompts(model, task);
    const Logits logits = model.run(ctx, set.clean(), {.logits = Demand::At::kLastPosition});
    int right = 0;
    for (std::size_t i = 0; i < set.pairs.size(); ++i) {
      const auto row = logits.at(static_cast<std::int32_t>(i), -1);
      const auto highest = [&](const std::vector<TokenId>& ids) {
        return std::ranges::max(ids, {},
                                [&](TokenId id) { return row[static_cast<std::size_t>(id)]; });
      };
      const auto value = [&](TokenId id) { return row[static_cast<std::size_t>(id)]; };
      right += value(highest(set.pairs[i].answers)) > value(highest(set.pairs[i].wrongs)) ? 1 : 0;
    }
    EXPECT_GE(right, least * static_cast<double>(set.pairs.size())) << task << ": " << right;
  }
}

}  // namespace
}  // namespace patchbay
