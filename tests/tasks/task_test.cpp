// What holds for every registered task, and how tasks and their options are refused.
#include "patchbay/tasks/task.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/support/task_models.h"

namespace patchbay {
namespace {

using tasks::Task;
using tasks::TaskModel;
using tasks::TaskOptions;
using testing::error_of;

// Those that need no file.
std::vector<const Task*> generated() {
  std::vector<const Task*> found;
  for (const Task* task : tasks::all()) {
    if (task->argument.empty()) found.push_back(task);
  }
  return found;
}

std::vector<Prompt> everything(const PromptSet& set) {
  std::vector<Prompt> prompts = set.clean();
  for (Prompt& prompt : set.corrupted()) prompts.push_back(std::move(prompt));
  return prompts;
}

void expect_sound(const TaskModel& model, const PromptSet& set, bool bos) {
  const auto first = static_cast<std::int32_t>(bos ? 1 : 0);
  for (const PromptPair& pair : set.pairs) {
    ASSERT_EQ(pair.clean.size(), pair.corrupted.size());
    ASSERT_LE(static_cast<std::int64_t>(pair.clean.size()), model.cfg.n_ctx);
    EXPECT_NE(pair.clean, pair.corrupted);
    ASSERT_EQ(pair.positions.size(), set.position_names.size());
    ASSERT_EQ(pair.corrupted_positions.size(), set.position_names.size());
    EXPECT_EQ(pair.positions.back(), static_cast<std::int32_t>(pair.clean.size()) - 1);
    EXPECT_EQ(pair.corrupted_positions.back(), pair.positions.back());
    for (const TokenSpan& at : pair.positions) {
      if (!at.is_there()) continue;
      EXPECT_TRUE(first <= at.first && at.first <= at.last);
      EXPECT_LE(at.last, pair.positions.back().last);
    }
    ASSERT_FALSE(pair.answers.empty());
    std::set<TokenId> ids(pair.answers.begin(), pair.answers.end());
    ids.insert(pair.wrongs.begin(), pair.wrongs.end());
    EXPECT_EQ(ids.size(), pair.answers.size() + pair.wrongs.size());
    for (const TokenId id : ids) EXPECT_TRUE(model.tokenizer->has_token(id));
    for (const auto& [prompt, text] : {std::pair{&pair.clean, &pair.clean_text},
                                       std::pair{&pair.corrupted, &pair.corrupted_text}}) {
      if (bos) {
        EXPECT_EQ(prompt->front(), *model.tokenizer->bos_token_id());
      }
      if (text->empty()) continue;
      EXPECT_EQ(*prompt, model.tokenizer->to_tokens(*text, {.prepend_bos = bos}));
      EXPECT_FALSE(text->ends_with(' '));
    }
  }
}

TEST(EveryTask, MakesSoundPairsForIoiSmallAndForGpt2sTokenizer) {
  ASSERT_GE(generated().size(), 6U);
  for (const auto* owner : {&testing::ioi_small(), &testing::gpt2_tasks()}) {
    const TaskModel model = owner->get();
    for (const Task* task : generated()) {
      std::vector<TaskOptions> variants = {{}};
      for (const auto& choice : task->corruptions) {
        variants.push_back({.corruption = std::string(choice.name)});
      }
      for (const auto& choice : task->prompt_types) {
        variants.push_back({.prompt_type = std::string(choice.name)});
      }
      for (TaskOptions options : variants) {
        for (const bool bos : {false, true}) {
          SCOPED_TRACE(std::string(task->name) + " " + options.corruption + options.prompt_type);
          options.prepend_bos = bos;
          const PromptSet set = make_prompts(model, task->name, options);
          EXPECT_EQ(set.size(), task->prompts);
          EXPECT_EQ(set.task, task->name);
          EXPECT_EQ(set.prepend_bos, bos);
          std::vector<std::string> names;
          for (const auto& position : task->positions) names.emplace_back(position.name);
          EXPECT_EQ(set.position_names, names);
          expect_sound(model, set, bos);
        }
      }
    }
  }
}

TEST(EveryTask, DrawsTheSameForASeedAndOtherPromptsForAnother) {
  const TaskModel model = testing::ioi_small().get();
  for (const Task* task : generated()) {
    SCOPED_TRACE(task->name);
    const auto prompts = [&](TaskOptions options) {
      return everything(make_prompts(model, task->name, options));
    };
    const std::vector<Prompt> found = prompts({});
    EXPECT_EQ(found, prompts({.seed = task->seed}));
    EXPECT_NE(found, prompts({.seed = *task->seed + 1}));
    EXPECT_NE(prompts({.seed = 1}), prompts({.seed = (std::uint64_t{1} << 32U) + 1}));
  }
}

TEST(EveryTask, BeginsALongerSetWithTheShorterOne) {
  const TaskModel model = testing::ioi_small().get();
  for (const Task* task : generated()) {
    SCOPED_TRACE(task->name);
    const PromptSet few = make_prompts(model, task->name, {.prompts = 7});
    const PromptSet many = make_prompts(model, task->name, {.prompts = 30});
    ASSERT_EQ(few.size(), 7);
    for (std::size_t i = 0; i < 7; ++i) {
      EXPECT_EQ(few.pairs[i].clean, many.pairs[i].clean);
      EXPECT_EQ(few.pairs[i].corrupted, many.pairs[i].corrupted);
    }
  }
}

TEST(EveryTask, HasTheSameCleanPromptsWhateverTheCorruption) {
  const TaskModel model = testing::ioi_small().get();
  for (const Task* task : generated()) {
    for (const auto& corruption : task->corruptions) {
      SCOPED_TRACE(corruption.name);
      const PromptSet set =
          make_prompts(model, task->name, {.corruption = std::string(corruption.name)});
      EXPECT_EQ(set.clean(), make_prompts(model, task->name).clean());
    }
  }
}

TEST(EveryTask, NamesPositionsOfOneGroupAtTheSameIndices) {
  for (const auto* owner : {&testing::ioi_small(), &testing::gpt2_tasks()}) {
    for (const Task* task : generated()) {
      if (task->name == "ioi_lab") continue;  // its first name may be several tokens
      SCOPED_TRACE(task->name);
      const PromptSet set = make_prompts(owner->get(), task->name);
      for (const PromptPair& a : set.pairs) {
        for (const PromptPair& b : set.pairs) {
          if (a.group != b.group) continue;
          ASSERT_EQ(a.positions, b.positions) << a.group;
        }
      }
    }
  }
}

TEST(Tasks, AreFoundByNameAndRefusedWithTheNearest) {
  EXPECT_EQ(tasks::find("ioi").name, "ioi");
  EXPECT_EQ(tasks::find("file:some/path.jsonl").name, "file");
  const TaskModel model = testing::ioi_small().get();
  const auto error = [&](std::string_view task, const TaskOptions& options = {}) {
    try {
      make_prompts(model, task, options);
    } catch (const Error& refused) {
      EXPECT_EQ(refused.kind(), ErrorKind::kUsage) << refused.what();
      return std::string(refused.what());
    }
    return std::string();
  };
  const std::vector<std::pair<std::string, std::string>> refusals = {
      {error("ioi_labb"), "did you mean \"ioi_lab\"?"},
      {error("ioi", {.corruption = "IO->RAN"}), "did you mean \"IO->RAND\"?"},
      {error("ioi", {.prompt_type = "ABAB"}), "BABA, ABBA"},
      {error("ioi:x"), "written \"ioi\""},
      {error("file"), "written \"file:PATH\""},
      {error("file:"), "written \"file:PATH\""},
      {error("ioi", {.prompts = -1}), "-1 prompts"},
      {error("ioi", {.prompts = 1'000'001}), "1 to 1000000"},
      {error("induction", {.prompt_type = "x"}), "no prompt types"},
      {error("induction", {.collisions = true}), "could collide"},
      {error("file:x", {.seed = 1}), "no seed"},
      {error("file:x", {.corruption = "ABC"}), "no corruptions"}};
  for (const auto& [message, says] : refusals)
    EXPECT_NE(message.find(says), message.npos) << message;
}

TEST(Tasks, SayWhichPositionWasMeant) {
  const PromptSet set = make_prompts(testing::ioi_small().get(), "ioi", {.prompts = 1});
  EXPECT_EQ(set.index_of_position("S1+1"), 2U);
  const std::string error = error_of([&] { static_cast<void>(set.index_of_position("end")); });
  EXPECT_NE(error.find("did you mean \"END\"?"), error.npos) << error;
}

TEST(Tasks, LeaveBosAwayWithAWarningWhereTheTokenizerHasNone) {
  const testing::TempFolder folder;
  std::string text = testing::file_text(std::filesystem::path(PATCHBAY_MODELS_DIR) / "ioi-small" /
                                        "tokenizer.json");
  const std::size_t added = text.find("\"added_tokens\": [");
  ASSERT_NE(added, text.npos);
  const std::size_t begin = text.find('[', added);
  text.replace(begin, text.find(']', begin) + 1 - begin, "[]");
  folder.write("tokenizer.json", text);
  const testing::TaskModelOwner owner = {testing::ioi_small().cfg,
                                         Tokenizer::from_folder(folder.path())};
  ASSERT_FALSE(owner.tokenizer.bos_token_id());
  const PromptSet set = make_prompts(owner.get(), "ioi_lab");
  EXPECT_FALSE(set.prepend_bos);
  ASSERT_EQ(set.warnings.size(), 1U);
  EXPECT_NE(set.warnings[0].find("without"), std::string::npos) << set.warnings[0];
  EXPECT_TRUE(make_prompts(owner.get(), "ioi_lab", {.prepend_bos = false}).warnings.empty());
  for (const Task* task : generated()) {
    EXPECT_NE(error_of([&] { make_prompts(owner.get(), task->name, {.prepend_bos = true}); }), "")
        << task->name;
  }
}

TEST(Tasks, SayThatTextNeedsATokenizer) {
  const TaskModel model = {.cfg = testing::ioi_small().cfg, .tokenizer = nullptr};
  for (const Task* task : generated()) {
    const std::string error = error_of([&] { make_prompts(model, task->name); });
    EXPECT_EQ(error.find("no tokenizer") != error.npos, task->name != "induction") << error;
  }
}

}  // namespace
}  // namespace patchbay
