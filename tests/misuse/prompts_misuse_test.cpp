// Tasks, prompts and metrics refuse wrong calls.
#include <functional>

#include "patchbay/metrics/metric.h"
#include "patchbay/prompts/marked_text.h"
#include "patchbay/prompts/prompt_builder.h"
#include "patchbay/prompts/prompt_file.h"
#include "patchbay/prompts/python_random.h"
#include "patchbay/tasks/task.h"
#include "tests/misuse/misuse.h"
#include "tests/support/task_models.h"

namespace patchbay {
namespace {

using testing::expect_refused;

const tasks::TaskModel& small() {
  static const tasks::TaskModel model = testing::ioi_small().get();
  return model;
}

const Tokenizer& tokenizer() { return testing::ioi_small().tokenizer; }

TEST(TaskMisuse, IsRefusedByTheTaskItself) {
  const tasks::Task& ioi = tasks::find("ioi");
  const tasks::Task& file = tasks::find("file");
  const tasks::Task& induction = tasks::find("induction");
  const tasks::Task without_maker = {.name = "mine", .summary = "", .prompts = 1};
  const tasks::TaskModel no_tokenizer = {.cfg = testing::ioi_small().cfg};
  const HookedTransformerConfig nothing;
  const tasks::TaskModel empty = {.cfg = nothing, .tokenizer = &tokenizer()};
  expect_refused({
      {"Task::make",
       [&] { (void)ioi.make(small(), {.prompts = 3, .seed = 1, .corruption = "no such"}); },
       "there is no corruption \"no such\""},
      {"Task::make", [&] { (void)ioi.make(small(), {.prompt_type = "no such"}); },
       "there is no prompt type \"no such\""},
      {"Task::make", [&] { (void)ioi.make(small(), {.prompts = -1}); }, "-1 prompts"},
      {"Task::make", [&] { (void)ioi.make(small(), {.argument = "x"}); }, "written \"ioi\""},
      {"Task::make", [&] { (void)ioi.make(no_tokenizer, {.prompts = 1}); }, "has no tokenizer"},
      {"Task::make", [&] { (void)ioi.make(empty, {.prompts = 1}); }, "reads at most 0",
       ErrorKind::kBadData},
      {"Task::make", [&] { (void)file.make(small()); }, "written \"file:PATH\""},
      {"Task::make", [&] { (void)file.make(small(), {.seed = 1, .argument = "x"}); }, "no seed"},
      {"Task::make", [&] { (void)induction.make(small(), {.collisions = true}); },
       "omit the collisions"},
      {"Task::make", [&] { (void)without_maker.make(small()); }, "no function"},
      {"Task::completed", [&] { (void)ioi.completed(small(), {.corruption = "no such"}); },
       "there is no corruption"},
      {"tasks::completed", [&] { (void)tasks::completed(small(), "file:a", {.argument = "b"}); },
       "give one of them"},
      {"tasks::find", [&] { (void)tasks::find(""); }, "there is no task \"\""},
      {"make_prompts", [&] { (void)make_prompts(small(), "ioi:"); }, "written \"ioi\""},
      {"make_prompts", [&] { (void)make_prompts(small(), "no such"); }, "there is no task"},
      {"make_prompts", [&] { (void)make_prompts(small(), "file:/"); }, "/", ErrorKind::kNoInput},
  });
}

TEST(TaskMisuse, IsNotToLeaveAnOptionOut) {
  const tasks::Task& ioi = tasks::find("ioi");
  const PromptSet all_defaults = ioi.make(small());
  EXPECT_EQ(all_defaults.size(), ioi.prompts);
  const PromptSet set = ioi.make(small(), {.prompts = 3, .corruption = "XYZ"});
  const PromptSet by_name =
      make_prompts(small(), "ioi",
                   {.prompts = 3, .seed = *ioi.seed, .corruption = "XYZ", .prompt_type = "mixed"});
  EXPECT_EQ(set.clean(), by_name.clean());
  EXPECT_EQ(set.corrupted(), by_name.corrupted());
  EXPECT_NE(set.corrupted(), ioi.make(small(), {.prompts = 3}).corrupted());
}

TEST(TaskMisuse, HasTheSameWarningWhicheverWayATaskIsCalled) {
  TokenizerParts parts;
  parts.tokens = {"a"};
  const Tokenizer no_bos = Tokenizer::from_parts(parts);
  const tasks::TaskModel model = {.cfg = testing::ioi_small().cfg, .tokenizer = &no_bos};
  static const auto one_pair = [](const tasks::TaskModel& m, const tasks::CompletedOptions& o) {
    PromptSet set;
    set.prepend_bos = o.prepend_bos;
    PromptBuilder builder(m.cfg, m.tokenizer, set);
    builder.add("prompt 1", builder.side("prompt 1", {.text = "a", .marks = {}}),
                builder.side("prompt 1", {.text = "a", .marks = {}}), {.right = {0}, .wrong = {}},
                "");
    return std::move(builder).finish();
  };
  const tasks::Task task = {
      .name = "mine",
      .summary = "",
      .prompts = 1,
      .prepend_bos = true,
      .maker = +[](const tasks::TaskModel& m, const tasks::CompletedOptions& o) {
        return one_pair(m, o);
      }};
  const auto warnings = task.make(model).warnings;
  ASSERT_FALSE(warnings.empty());
  EXPECT_NE(warnings.front().find("prepends BOS by default"), std::string::npos);
}

TEST(PromptMisuse, OfBuildersAndFilesIsRefused) {
  const HookedTransformerConfig& cfg = testing::ioi_small().cfg;
  const auto builder = [&](PromptSet set = {}) {
    return PromptBuilder(cfg, &tokenizer(), std::move(set));
  };
  const auto side = [](std::vector<TokenSpan> positions) {
    return PromptSide{.text = "", .tokens = {1, 2}, .positions = std::move(positions)};
  };
  const auto add = [&](const PromptSide& clean) {
    PromptBuilder one = builder();
    one.add("prompt 1", clean, side({1}), {.right = {1}, .wrong = {}}, "");
  };
  PromptSet twice;
  twice.position_names = {"IO", "IO"};
  PromptSet end;
  end.position_names = {"END"};
  PromptSet unnamed;
  unnamed.position_names = {""};
  PromptSet full;
  full.pairs.resize(1);
  const testing::TempFolder folder;
  folder.write("one.jsonl", "{\"clean\": [1], \"corrupted\": [2], \"answer\": 1}\n");
  expect_refused({
      {"PromptBuilder", [&] { builder(twice); }, "\"IO\" is given twice"},
      {"PromptBuilder", [&] { builder(end); }, "\"END\" is given twice"},
      {"PromptBuilder", [&] { builder(unnamed); }, "no name"},
      {"PromptBuilder", [&] { builder(full); }, "has pairs already"},
      {"PromptBuilder::tokenizer", [&] { (void)PromptBuilder(cfg, nullptr, {}).tokenizer(); },
       "has no tokenizer"},
      {"PromptBuilder::add", [&] { add(side({})); }, "0 positions for the names END"},
      {"PromptBuilder::add",
       [&] {
         add(side({0, 1}));
       },
       "2 positions for the names END"},
      {"PromptBuilder::add", [&] { add(side({0})); }, "1 for END"},
      {"PromptBuilder::finish", [&] { (void)builder().finish(); }, "no prompts",
       ErrorKind::kBadData},
      {"read_prompt_file",
       [&] { (void)read_prompt_file(folder.path() / "one.jsonl", cfg, nullptr, {.prompts = -1}); },
       "-1 prompts"},
      {"read_prompt_file",
       [&] { (void)read_prompt_file(folder.path() / "one.jsonl", cfg, nullptr, {.prompts = 2}); },
       "has 1 prompts"},
      {"read_prompt_file", [&] { (void)read_prompt_file(folder.path(), cfg, nullptr, {}); },
       folder.path().c_str(), ErrorKind::kNoInput},
      {"PromptSet::index_of_position", [] { (void)PromptSet().index_of_position("END"); },
       "is not a position of"},
  });
}

TEST(PromptMisuse, OfSetsMadeByHandIsRefused) {
  PromptSet good;
  good.task = "mine";
  good.position_names = {"IO", "END"};
  PromptPair& pair = good.pairs.emplace_back();
  pair.clean = {1, 2};
  pair.corrupted = {3, 4};
  pair.answers = {5};
  pair.positions = {-1, 1};
  pair.corrupted_positions = {0, 1};
  EXPECT_EQ(good.broken_rule(), "");
  const auto with = [&](const std::function<void(PromptSet&)>& mistake) {
    PromptSet set = good;
    mistake(set);
    return [set] { set.check(); };
  };
  expect_refused({
      {"PromptSet::check", [] { PromptSet().check(); }, "there are no prompts"},
      {"PromptSet::check", with([](PromptSet& s) { s.position_names = {"IO"}; }), "\"END\""},
      {"PromptSet::check", with([](PromptSet& s) { s.pairs[0].clean.clear(); }), "is empty"},
      {"PromptSet::check", with([](PromptSet& s) { s.pairs[0].corrupted = {1}; }), "as many"},
      {"PromptSet::check", with([](PromptSet& s) { s.pairs[0].answers.clear(); }), "no answer"},
      {"PromptSet::check", with([](PromptSet& s) { s.pairs[0].positions.clear(); }),
       "0 clean positions for 2 names"},
      {"PromptSet::check", with([](PromptSet& s) { s.pairs[0].positions[0] = 2; }), "\"IO\" at 2"},
      {"PromptSet::check", with([](PromptSet& s) { s.pairs[0].positions[0] = -2; }),
       "\"IO\" at -2"},
      {"PromptSet::check", with([](PromptSet& s) {
         s.pairs[0].positions[0] = {1, 0};
       }),
       "\"IO\" at 1 to 0"},
      {"PromptSet::check", with([](PromptSet& s) {
         s.pairs[0].positions[0] = {-1, 0};
       }),
       "\"IO\" at -1 to 0"},
      {"PromptSet::check", with([](PromptSet& s) { s.pairs[0].corrupted_positions[1] = 0; }),
       "corrupted position \"END\" at 0"},
      {"check_pairs",
       [&] {
         PromptSet set = good;
         set.pairs[0].positions.clear();
         metrics::check_pairs(metrics::find("logit"), set);
       },
       "0 clean positions"},
  });
}

TEST(PromptMisuse, OfPositionsIsRefused) {
  const Prompt tokens = tokenizer().to_tokens("Mary", {.prepend_bos = false});
  const std::vector<std::string> names = {"NAME"};
  const auto find = [&](const MarkedText& text, const Prompt& of, std::size_t first) {
    return [=] { (void)find_positions(tokenizer(), text, of, first, names); };
  };
  const MarkedText mary = {.text = "Mary", .marks = {{"NAME", 0, 4}}};
  expect_refused({
      {"token_at_byte", [&] { (void)token_at_byte(tokenizer(), tokens, 0, 4); }, "holds byte 4"},
      {"token_at_byte", [&] { (void)token_at_byte(tokenizer(), {}, 0, 0); }, "holds byte 0"},
      {"find_positions", find(mary, {}, 0), "without tokens"},
      {"find_positions", find(mary, tokens, tokens.size()), "without tokens"},
      {"find_positions", find({.text = "Mary", .marks = {{"NAME", 0, 0}}}, tokens, 0),
       "mark one byte at least"},
      {"find_positions", find({.text = "Mary", .marks = {{"NAME", 0, 9}}}, tokens, 0),
       "mark one byte at least"},
      {"find_positions", find(fill_form("[NAME]", {{"NAME", ""}}), tokens, 0),
       "mark one byte at least"},
  });
}

TEST(PromptMisuse, OfRandomNumbersIsRefused) {
  const std::vector<int> none;
  PythonRandom random(0);
  expect_refused({
      {"PythonRandom::getrandbits", [&] { random.getrandbits(0); }, "0 bits"},
      {"PythonRandom::getrandbits", [&] { random.getrandbits(65); }, "65 bits"},
      {"PythonRandom::randbelow", [&] { random.randbelow(0); }, "nothing to draw from"},
      {"PythonRandom::choice", [&] { (void)random.choice(none); }, "nothing to draw from"},
      {"PythonRandom::sample", [&] { (void)random.sample(none, 1); }, "1 of 0 values"},
      {"PythonRandom::sample_indices", [&] { (void)random.sample_indices(2, 3); }, "3 of 2"},
  });
}

TEST(MetricMisuse, IsRefusedByTheMetric) {
  const Prompt tokens = {0, 1};
  const Prompt one_token = {0};
  const std::vector<float> logits = {0.0F, 1.0F, 2.0F};
  const std::vector<TokenId> chosen = {1, 2};
  const Tensor every({2, 3});
  const Tensor narrow({2, 1});
  PromptPair pair;
  pair.answers = {1};
  pair.wrongs = {2};
  PromptPair no_wrong = pair;
  no_wrong.wrongs.clear();
  PromptPair no_answer = pair;
  no_answer.answers.clear();
  PromptPair beyond = pair;
  beyond.answers = {3};
  PromptPair negative = pair;
  negative.answers = {-1};
  const auto value = [](const char* name, const metrics::MetricInput& input) {
    return [=] { (void)metrics::find(name).value(input); };
  };
  const metrics::Metric unfinished = {.name = "mine", .what = ""};
  const metrics::MetricInput good = {.pair = pair, .tokens = tokens, .logits = logits};
  expect_refused({
      {"metrics::find", [] { (void)metrics::find(""); }, "there is no metric \"\""},
      {"Metric::value", [&] { (void)unfinished.value(good); }, "no function"},
      {"Metric::value", value("logit_diff", {.pair = no_wrong, .tokens = tokens, .logits = logits}),
       "needs a wrong answer"},
      {"Metric::value", value("logit", {.pair = no_answer, .tokens = tokens, .logits = logits}),
       "needs a right answer"},
      {"Metric::value", value("logit", {.pair = pair, .tokens = tokens, .logits = {}}),
       "no logit of token 1"},
      {"Metric::value", value("prob", {.pair = beyond, .tokens = tokens, .logits = logits}),
       "no logit of token 3"},
      {"Metric::value", value("rank", {.pair = negative, .tokens = tokens, .logits = logits}),
       "no logit of token -1"},
      {"Metric::value",
       value("logit", {.pair = pair, .tokens = tokens, .logits = logits, .chosen = chosen}),
       "3 logits are of 2 chosen tokens"},
      {"Metric::value",
       value("prob", {.pair = pair,
                      .tokens = tokens,
                      .logits = std::span(logits).first(2),
                      .chosen = chosen}),
       "reads the logits of all tokens"},
      {"Metric::value", value("kl_divergence", good), "0 of the clean run"},
      {"Metric::value", value("next_token_loss", good), "every position"},
      {"Metric::value",
       value("next_token_loss",
             {.pair = pair, .tokens = one_token, .logits = logits, .every = every}),
       "one token predicts nothing"},
      {"Metric::value",
       value("next_token_loss", {.pair = pair, .tokens = tokens, .logits = {}, .every = narrow}),
       "no logit of token 1"},
      {"MetricInput::logit", [&] { (void)good.logit(3); }, "no logit of token 3"},
      {"MetricInput::mean_logit", [&] { (void)good.mean_logit({}); }, "no tokens"},
      {"check_pairs",
       [&] {
         PromptSet set;
         set.position_names = {"END"};
         set.pairs = {no_wrong};
         set.pairs[0].clean = set.pairs[0].corrupted = {1};
         set.pairs[0].positions = set.pairs[0].corrupted_positions = {0};
         metrics::check_pairs(metrics::find("logit_diff"), set);
       },
       "has no wrong answer", ErrorKind::kBadData},
  });
}

}  // namespace
}  // namespace patchbay
