// Shards through patchbay::runs: parts in folders of their own, put together to the same bytes.
#include "patchbay/runs/shard.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "patchbay/io/file.h"
#include "tests/runs/runs_testing.h"
#include "tests/support/folder_contents.h"
#include "tests/support/temporary_directory.h"

namespace patchbay::runs {
namespace {

using patchbay::testing::contents_of;
using patchbay::testing::TemporaryDirectory;

const ExperimentChoice kHeads = {.name = "activation_patching", .settings = {{"site", "k"}}};

class Shards : public ::testing::Test {
 protected:
  // Shard number + 1 of count, of heads patched on 4 prompts.
  void run_shard(std::int64_t number, std::int64_t count,
                 const ExperimentChoice& experiment = kHeads) const {
    run_.run_shard(experiment, output_, {number, count}, {{"colour", "red"}});
  }
  [[nodiscard]] std::string merge_error(ErrorKind kind) const {
    return error_of(kind, [&] { (void)merge_shards(output_.folder); });
  }

  RunContext ctx_;
  TemporaryDirectory folder_;
  Output output_{.folder = (folder_ / "parts").string(), .formats = {"json", "npz"}};
  runs::Run run_{ctx_, kModel, {}, ioi(4)};
};

TEST_F(Shards, MergedHaveTheBytesOfOneProcess) {
  const Output whole{.folder = (folder_ / "whole").string(), .formats = output_.formats};
  const std::int64_t start = ctx_.flops();
  (void)run_.result(kHeads, whole);
  const std::int64_t work = ctx_.flops() - start;
  for (const std::int64_t number : {1, 0, 2}) run_shard(number, 3);
  EXPECT_TRUE(contents_of(output_.folder).empty());

  const Whole merged = merge_shards(output_.folder);
  const auto& spec = std::get<RunSpec>(merged.what);
  EXPECT_EQ(merged.notes.at("colour"), "red");
  const RunContext ctx;
  const runs::Run again(ctx, spec.model, spec.process, spec.task);
  const std::int64_t before = ctx.flops();
  (void)again.result(spec.experiment, {.folder = output_.folder, .formats = merged.formats});
  EXPECT_LT(ctx.flops() - before, work / 4) << "what shards have computed is not computed again";
  EXPECT_EQ(contents_of(output_.folder), contents_of(whole.folder));
}

TEST_F(Shards, AMissingOneIsNamed) {
  EXPECT_NE(merge_error(ErrorKind::kNoInput).find("there are no shards"), std::string::npos);
  run_shard(1, 3);
  EXPECT_NE(merge_error(ErrorKind::kNoInput).find("shard 1/3, 3/3 has not finished"),
            std::string::npos);
  run_shard(0, 2);
  EXPECT_NE(merge_error(ErrorKind::kNoInput).find("there are shards of 2 and of 3"),
            std::string::npos);
}

TEST_F(Shards, OfDifferentRunsAreNotPutTogether) {
  run_shard(0, 2);
  run_shard(1, 2, {.name = kHeads.name, .settings = {{"site", "v"}}});
  EXPECT_NE(merge_error(ErrorKind::kBadData).find("--site v"), std::string::npos);
  EXPECT_TRUE(contents_of(output_.folder).empty());
}

TEST_F(Shards, WithValuesOfOtherQuestionsAreNotPutTogether) {
  run_shard(0, 2);
  run_shard(1, 2);
  // A record that says the same of values that are another run's.
  const auto record = shard_folder(output_.folder, {1, 2}) / "shard.json";
  const std::string text = read_file(record, 1 << 20);
  std::filesystem::remove(shard_folder(output_.folder, {1, 2}) / "activation_patching.partial");
  run_shard(1, 2, {.name = kHeads.name, .settings = {{"site", "v"}}});
  write_file(record, text);
  EXPECT_NE(merge_error(ErrorKind::kBadData).find("of different runs"), std::string::npos);
  EXPECT_TRUE(contents_of(output_.folder).empty());
}

TEST_F(Shards, OfOtherWeightsAreNotPutTogether) {
  run_shard(0, 2);
  run_shard(1, 2);
  const auto values = shard_folder(output_.folder, {1, 2}) / "activation_patching.partial";
  std::filesystem::remove(values);
  { const CellStore other(values, "another model"); }
  EXPECT_NE(merge_error(ErrorKind::kBadData).find("of different runs"), std::string::npos);
}

TEST_F(Shards, AreRefusedWhereTheyCannotBe) {
  const auto refused = [&](const ExperimentChoice& experiment, const Output& output,
                           const Shard& shard) {
    return error_of(ErrorKind::kUsage, [&] { run_.run_shard(experiment, output, shard); });
  };
  EXPECT_NE(refused({.name = "find_circuit"}, output_, {0, 2}).find("find_circuit cannot be"),
            std::string::npos);
  EXPECT_NE(refused(kHeads, {}, {0, 2}).find("`out`"), std::string::npos);
  EXPECT_NE(refused(kHeads, {.folder = output_.folder, .formats = {"csv"}}, {0, 2}).find("json"),
            std::string::npos);
  for (const Shard shard : {Shard{2, 2}, Shard{-1, 2}, Shard{0, 0}}) {
    EXPECT_NE(refused(kHeads, output_, shard).find("there is no shard"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(output_.folder));
}

TEST(ShardRecord, IsReadBackAsItWasWritten) {
  const RunSpec run = {.model = "m\"odel",
                       .process = {.fold_layer_norm = true, .fold_value_biases = true},
                       .task = {.name = "file:p.jsonl",
                                .options = {.prompts = 5,
                                            .seed = 18446744073709551615U,
                                            .prepend_bos = true,
                                            .corruption = "ABC",
                                            .prompt_type = "mixed",
                                            .collisions = true}},
                       .experiment = {.name = "path_patching",
                                      .settings = {{"receiver", "q:9.6"}, {"sender", ""}},
                                      .prompt_limit = 3}};
  const Whole wholes[] = {
      {.what = run, .formats = {"json", "csv"}, .notes = {{"top", "3"}}},
      {.what = RunSpec{.model = "m", .task = {.name = "ioi"}, .experiment = {.name = "accuracy"}},
       .formats = {}},
      {.what = StudySpec{.study = "ioi_lab", .model = "gpt2"}, .formats = {"html"}},
      {.what = StudySpec{.study = "a/b.toml"}, .formats = {"json"}}};
  for (const Whole& whole : wholes) {
    const std::string text = to_json(ShardRecord{{1, 5}, whole});
    const ShardRecord again = parse_shard_record(text, "shard.json");
    EXPECT_EQ(to_json(again), text);
    EXPECT_EQ(again.shard.number, 1);
    EXPECT_EQ(again.whole.what.index(), whole.what.index());
  }
  const auto again =
      std::get<RunSpec>(parse_shard_record(to_json(ShardRecord{{0, 1}, wholes[0]}), "").whole.what);
  EXPECT_EQ(again.process, run.process);
  EXPECT_EQ(again.task.options.seed, run.task.options.seed);
  EXPECT_EQ(again.task.options.prepend_bos, run.task.options.prepend_bos);
  EXPECT_EQ(again.experiment.settings, run.experiment.settings);
  EXPECT_EQ(again.experiment.prompt_limit, 3);
}

TEST(ShardRecord, OfACommandsWordsIsRefused) {
  const std::string says = error_of(ErrorKind::kBadData, [] {
    (void)parse_shard_record(
        R"({"patchbay": "0.1.0", "shard": 1, "of": 2, "whole": ["study", "ioi_lab"]})",
        "x/shard.json");
  });
  EXPECT_EQ(says,
            "[shard] x/shard.json: holds the words of a command, as older versions wrote them; "
            "run the shards again");
}

}  // namespace
}  // namespace patchbay::runs
