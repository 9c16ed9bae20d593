// Indirect object identification: the lab's prompts, the paper's templates, and what each
// corruption is.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "patchbay/io/json.h"
#include "patchbay/tasks/ioi_common.h"
#include "tests/support/task_models.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

using tasks::TaskModel;
using testing::at;

struct Names {
  std::string io, s1, s2;
};

Names names_of(const TaskModel& model, const PromptSet& set, const PromptPair& pair,
               bool corrupted) {
  return {at(model, set, pair, "IO", corrupted), at(model, set, pair, "S1", corrupted),
          at(model, set, pair, "S2", corrupted)};
}

TEST(IoiLab, HasTheFiftyPromptsOfTheReference) {
  const JsonDocument reference = read_json_file(golden_folder("smollm2-135m") / "reference.json");
  const auto examples = reference->at("examples").items();
  const TaskModel model = testing::ioi_small().get();
  const PromptSet set = make_prompts(model, "ioi_lab");
  ASSERT_EQ(examples.size(), 50U);
  ASSERT_EQ(set.size(), 50);
  EXPECT_TRUE(set.prepend_bos);
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const PromptPair& pair = set.pairs[i];
    EXPECT_EQ(pair.clean_text, examples[i].at("clean").as_string());
    EXPECT_EQ(pair.corrupted_text, examples[i].at("corrupted").as_string());
    EXPECT_EQ(model.tokenizer->to_string(pair.answers), examples[i].at("answer").as_string());
    EXPECT_EQ(model.tokenizer->to_string(pair.wrongs), examples[i].at("wrong").as_string());
  }
}

TEST(IoiLab, HasTheReferencesTokensOnSmolLM2) {
  const char* path = std::getenv("PATCHBAY_SMOLLM2_GGUF");
  if (path == nullptr) {
    GTEST_SKIP() << "PATCHBAY_SMOLLM2_GGUF is not set; run: export "
                    "PATCHBAY_SMOLLM2_GGUF=$(scripts/fetch_smollm2.sh)";
  }
  const testing::TaskModelOwner owner = {load_config(path), *load_tokenizer(path)};
  const PromptSet set = make_prompts(owner.get(), "ioi_lab", {.prepend_bos = false});
  const JsonDocument reference = read_json_file(golden_folder("smollm2-135m") / "reference.json");
  const auto examples = reference->at("examples").items();
  for (std::size_t i = 0; i < examples.size(); ++i) {
    for (const auto& [key, tokens] : {std::pair{"tokens", set.pairs[i].clean},
                                      std::pair{"corrupted_tokens", set.pairs[i].corrupted}}) {
      Prompt expected;
      for (const JsonValue& id : examples[i].at(key).items()) {
        expected.push_back(static_cast<TokenId>(id.as_int()));
      }
      EXPECT_EQ(tokens, expected) << i;
    }
    EXPECT_EQ(set.pairs[i].answers[0], examples[i].at("answer_id").as_int());
    EXPECT_EQ(set.pairs[i].wrongs[0], examples[i].at("wrong_id").as_int());
  }
}

TEST(IoiLab, FindsNamesByTheirTokensWithAndWithoutBos) {
  for (const auto* owner : {&testing::ioi_small(), &testing::gpt2_tasks()}) {
    const TaskModel model = owner->get();
    for (const bool bos : {false, true}) {
      const PromptSet set = make_prompts(model, "ioi_lab", {.prepend_bos = bos});
      for (const PromptPair& pair : set.pairs) {
        const std::string io = model.tokenizer->to_string(pair.answers);
        const std::string s = model.tokenizer->to_string(pair.wrongs);
        EXPECT_EQ(at(model, set, pair, "IO"), io);
        // At the start there is no space, and the name's last token may be a part of it.
        const std::string s1 = at(model, set, pair, "S1");
        EXPECT_TRUE(s.ends_with(s1) && s != s1) << pair.clean_text << ": " << s1;
        EXPECT_EQ(at(model, set, pair, "S1+1"), " and");
        EXPECT_EQ(at(model, set, pair, "S2"), s);
        EXPECT_EQ(at(model, set, pair, "S2", true), io);
        EXPECT_EQ(at(model, set, pair, "END"), " to");
      }
    }
  }
}

TEST(IoiLab, HasPromptsOfDifferentLengthsOnGpt2) {
  const PromptSet set =
      make_prompts(testing::gpt2_tasks().get(), "ioi_lab", {.prepend_bos = false});
  std::set<std::size_t> lengths;
  for (const PromptPair& pair : set.pairs) lengths.insert(pair.clean.size());
  EXPECT_EQ(lengths, (std::set<std::size_t>{13, 14}));
  EXPECT_FALSE(set.is_rectangular());
  EXPECT_EQ(set.longest(), 14);
}

TEST(IoiWalkthrough, HasTheFourteenTokensOfItsForm) {
  for (const auto* owner : {&testing::ioi_small(), &testing::gpt2_tasks()}) {
    const TaskModel model = owner->get();
    const PromptSet set = make_prompts(model, "ioi_walkthrough");
    EXPECT_EQ(set.size(), 10);
    EXPECT_FALSE(set.prepend_bos);
    for (const PromptPair& pair : set.pairs) {
      EXPECT_EQ(pair.clean.size(), 14U);
      const Names clean = names_of(model, set, pair, false);
      const Names other = names_of(model, set, pair, true);
      EXPECT_EQ(pair.clean_text, "When" + clean.io + " and" + clean.s1 + " went to the store," +
                                     clean.s1 + " gave the book to");
      EXPECT_EQ(pair.corrupted_text, "When" + other.io + " and" + other.s1 + " went to the store," +
                                         other.s2 + " gave the book to");
      const std::set<std::string> people = {clean.io, clean.s1, other.io, other.s1, other.s2};
      EXPECT_EQ(people.size(), 5U) << pair.corrupted_text;
    }
  }
}

TEST(Ioi, FillsThePapersTemplatesInBothOrders) {
  const TaskModel model = testing::gpt2_tasks().get();
  const PromptSet set = make_prompts(model, "ioi", {.prompts = 1000});
  std::map<std::string, std::string> forms;
  for (const PromptPair& pair : set.pairs) {
    std::string text = pair.clean_text;
    const Names names = names_of(model, set, pair, false);
    const auto replace = [&](const std::string& word, const std::string& mark) {
      for (std::size_t i; (i = text.find(word)) != std::string::npos;) {
        text.replace(i, word.size(), mark);
      }
    };
    const bool io_first = names.io.size() > names.s1.size();  // "Joseph" before "Jose"
    if (io_first) replace(names.io, " [A]");
    replace(names.s1, " [B]");
    replace(names.io, " [A]");
    for (const auto place : tasks::kPaperPlaces) {
      replace(" the " + std::string(place), " the [PLACE]");
      if (text.starts_with("The " + std::string(place) + " [")) {
        text.replace(4, place.size(), "[PLACE]");
      }
    }
    for (const auto object : tasks::kPaperObjects) {
      for (const char* article : {" a ", " the "}) {
        replace(article + std::string(object), article + std::string("[OBJECT]"));
      }
    }
    const auto [known, is_new] = forms.emplace(pair.group, text);
    EXPECT_EQ(known->second, text) << pair.group;
  }
  ASSERT_EQ(forms.size(), 30U);
  EXPECT_EQ(forms["BABA 1"], "Then, [B] and [A] went to the [PLACE]. [B] gave a [OBJECT] to");
  EXPECT_EQ(forms["ABBA 1"], "Then, [A] and [B] went to the [PLACE]. [B] gave a [OBJECT] to");
  EXPECT_EQ(forms["BABA 8"],
            "When [B] and [A] got a [OBJECT] at the [PLACE], [B] decided to give the [OBJECT] to");
  EXPECT_EQ(forms["ABBA 14"], "The [PLACE] [A] and [B] went to had a [OBJECT]. [B] gave it to");
  EXPECT_EQ(forms["BABA 15"],
            "Friends [B] and [A] found a [OBJECT] at the [PLACE]. [B] gave it to");
}

TEST(Ioi, TakesTheTemplatesThatAPromptTypeNames) {
  const TaskModel model = testing::ioi_small().get();
  const auto groups = [&](const char* type) {
    std::set<std::string> found;
    for (const PromptPair& pair :
         make_prompts(model, "ioi", {.prompts = 600, .prompt_type = type}).pairs) {
      found.insert(pair.group);
    }
    return found;
  };
  const auto all_begin = [](const std::set<std::string>& found, std::string_view with) {
    return std::ranges::all_of(found, [&](const auto& group) { return group.starts_with(with); });
  };
  EXPECT_EQ(groups("mixed").size(), 30U);
  EXPECT_EQ(groups("BABA").size(), 15U);
  EXPECT_TRUE(all_begin(groups("BABA"), "BABA"));
  EXPECT_TRUE(all_begin(groups("ABBA"), "ABBA"));
  EXPECT_EQ(groups("mixed_7").size(), 14U);
  EXPECT_FALSE(groups("mixed_7").contains("ABBA 8"));
}

TEST(Ioi, HasEveryCorruptionAsItIsDefined) {
  const TaskModel model = testing::ioi_small().get();
  const auto check = [&](const char* corruption, const auto& holds) {
    for (const std::uint64_t seed : {0, 1, 2, 3, 4}) {
      const PromptSet set = make_prompts(model, "ioi", {.seed = seed, .corruption = corruption});
      for (const PromptPair& pair : set.pairs) {
        const Names a = names_of(model, set, pair, false);
        const Names b = names_of(model, set, pair, true);
        EXPECT_EQ(a.s1, a.s2);
        EXPECT_NE(a.io, a.s1);
        EXPECT_TRUE(holds(a, b)) << corruption << ": " << pair.clean_text << " | "
                                 << pair.corrupted_text;
      }
    }
  };
  const auto is_new = [](const std::string& name, const Names& a) {
    return name != a.io && name != a.s1;
  };
  const auto three_others = [&](const Names& a, const Names& b) {
    return is_new(b.io, a) && is_new(b.s1, a) && is_new(b.s2, a) && b.io != b.s1 && b.io != b.s2 &&
           b.s1 != b.s2;
  };
  check("ABC", three_others);
  check("XYZ", three_others);
  check("IO->RAND", [&](const Names& a, const Names& b) {
    return is_new(b.io, a) && b.s1 == a.s1 && b.s2 == a.s2;
  });
  check("S->RAND", [&](const Names& a, const Names& b) {
    return b.io == a.io && is_new(b.s1, a) && b.s2 == b.s1;
  });
  check("S1->RAND", [&](const Names& a, const Names& b) {
    return b.io == a.io && is_new(b.s1, a) && b.s2 == a.s2;
  });
  check("S2->RAND", [&](const Names& a, const Names& b) {
    return b.io == a.io && b.s1 == a.s1 && is_new(b.s2, a);
  });
  check("S2->IO", [&](const Names& a, const Names& b) {
    return b.io == a.io && b.s1 == a.s1 && b.s2 == a.io;
  });
  check("IO<->S1", [&](const Names& a, const Names& b) {
    return b.io == a.s1 && b.s1 == a.io && b.s2 == a.s2;
  });
}

TEST(Ioi, HasCollisionsOnlyWhenAskedFor) {
  const TaskModel model = testing::ioi_small().get();
  for (const char* corruption : {"ABC", "XYZ", "S->RAND", "S1->RAND"}) {
    for (const bool asked : {false, true}) {
      std::int64_t collisions = 0;
      const PromptSet set = make_prompts(
          model, "ioi", {.prompts = 2000, .corruption = corruption, .collisions = asked});
      for (const PromptPair& pair : set.pairs) {
        const Names a = names_of(model, set, pair, false);
        const Names b = names_of(model, set, pair, true);
        const bool abc = corruption[0] == 'A' || corruption[0] == 'X';
        const bool collides =
            abc ? std::set{b.io, b.s1, b.s2}.size() < 3 : b.s1 == a.io || b.s1 == a.s1;
        collisions += collides ? 1 : 0;
      }
      // One in 99 or three in 99 are expected.
      EXPECT_EQ(collisions > 0, asked) << corruption;
      EXPECT_LT(collisions, 150) << corruption;
    }
  }
}

TEST(Ioi, CountsTheWordsThatItLeavesOut) {
  const testing::TempFolder folder;
  std::string text = testing::file_text(std::filesystem::path(PATCHBAY_MODELS_DIR) / "ioi-small" /
                                        "tokenizer.json");
  for (const std::string merge : {"\"ĠB radley\",", "\"Ġne cklace\","}) {
    const std::size_t i = text.find(merge);
    ASSERT_NE(i, text.npos) << merge;
    text.erase(i, merge.size());
  }
  folder.write("tokenizer.json", text);
  const testing::TaskModelOwner owner = {testing::ioi_small().cfg,
                                         Tokenizer::from_folder(folder.path())};
  const PromptSet set = make_prompts(owner.get(), "ioi", {.prompts = 2000});
  ASSERT_EQ(set.warnings.size(), 1U);
  EXPECT_TRUE(set.warnings[0].starts_with("1 of 99 names, 1 of 8 objects are never drawn"))
      << set.warnings[0];
  for (const PromptPair& pair : set.pairs) {
    for (const std::string& prompt : {pair.clean_text, pair.corrupted_text}) {
      EXPECT_EQ(prompt.find("Bradley"), prompt.npos);
      EXPECT_EQ(prompt.find("necklace"), prompt.npos);
    }
  }
  EXPECT_TRUE(make_prompts(testing::ioi_small().get(), "ioi").warnings.empty());
  EXPECT_TRUE(make_prompts(testing::gpt2_tasks().get(), "ioi").warnings.empty());
}

TEST(IoiLab, NamesThePairWhoseAnswerIsNotOneToken) {
  const testing::TempFolder folder;
  std::string text = testing::file_text(std::filesystem::path(PATCHBAY_MODELS_DIR) / "ioi-small" /
                                        "tokenizer.json");
  const std::string merge = "\"ĠK ate\",";  // the second pair's
  ASSERT_NE(text.find(merge), text.npos);
  text.erase(text.find(merge), merge.size());
  folder.write("tokenizer.json", text);
  const testing::TaskModelOwner owner = {testing::ioi_small().cfg,
                                         Tokenizer::from_folder(folder.path())};
  const std::string error = testing::error_of([&] { make_prompts(owner.get(), "ioi_lab"); });
  EXPECT_NE(error.find("[ioi_lab] prompt 1"), error.npos) << error;
  EXPECT_NE(error.find("Kate"), error.npos) << error;
}

}  // namespace
}  // namespace patchbay
