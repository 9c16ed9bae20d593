// Experiments through patchbay::runs: where they come from, their files, and going on.
#include "patchbay/runs/run.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "patchbay/base/version.h"
#include "patchbay/experiments/experiment.h"
#include "patchbay/hub/digest.h"
#include "patchbay/results/result_json.h"
#include "patchbay/runs/command_line.h"
#include "patchbay/runs/provenance.h"
#include "tests/runs/runs_testing.h"
#include "tests/support/folder_contents.h"
#include "tests/support/temporary_directory.h"

namespace patchbay::runs {
namespace {

using patchbay::testing::contents_of;
using patchbay::testing::TemporaryDirectory;

const ExperimentChoice kHeads = {.name = "activation_patching", .settings = {{"site", "q"}}};

TEST(Runs, RecordsWhereAResultComesFrom) {
  const RunContext ctx;
  const runs::Run run(ctx, kModel, {.center_unembed = true}, ioi(3));
  const Provenance from = run.result(kHeads).table.provenance;
  EXPECT_EQ(from.model, "ioi-small");
  EXPECT_EQ(from.model_sha256, hub::digest_of(ctx, hub::DigestKind::kSha256,
                                              std::filesystem::path(PATCHBAY_MODELS_DIR) /
                                                  "ioi-small" / "model.safetensors"));
  EXPECT_EQ(from.weight_processing, std::vector<std::string>{"center_unembed"});
  EXPECT_EQ(from.task, "ioi");
  EXPECT_EQ(from.tokens_sha256, tokens_sha256(run.prompts()));
  EXPECT_EQ(from.version, kVersion);
  EXPECT_EQ(from.command,
            "patchbay run activation_patching --model ioi-small --task ioi --prompts 3 --process "
            "center_unembed --site q");
}

TEST(Runs, GivesTheValuesOfTheExperimentByItself) {
  const RunContext ctx;
  const runs::Run run(ctx, kModel, {}, ioi(3));
  Session session(ctx, run.model(), run.prompts());
  const EffectTable alone = experiments::find(kHeads.name).with(kHeads.settings).run(session);
  EXPECT_EQ(run.result(kHeads).table.values, alone.values);
}

TEST(Runs, WritesTheFormatsThatAreAskedForAndNoOthers) {
  const RunContext ctx;
  const TemporaryDirectory folder;
  const runs::Run run(ctx, kModel, {}, ioi(3));
  const Result result = run.result(
      kHeads, {.folder = (folder / "deep/er").string(), .formats = {"json", "csv", "svg"}});
  std::vector<std::string> names;
  for (const auto& path : result.files) names.push_back(path.filename().string());
  EXPECT_EQ(names, (std::vector<std::string>{"activation_patching.json", "activation_patching.csv",
                                             "activation_patching.heat_map.svg",
                                             "activation_patching.top_k.svg"}));
  const auto contents = contents_of(folder / "deep/er");
  EXPECT_EQ(contents.size(), names.size());
  EXPECT_EQ(contents.at("activation_patching.json"), to_json(result.table));
}

TEST(Runs, GoesOnWhereItWasCancelledAndEndsWithTheSameBytes) {
  const TemporaryDirectory folder;
  const Output whole{.folder = (folder / "whole").string()};
  const Output cut{.folder = (folder / "cut").string()};
  const RunContext ctx({.threads = 2});
  const runs::Run run(ctx, kModel, {}, ioi(12));
  (void)run.result(kHeads, whole);

  for (const double share : {0.2, 0.6}) {
    const StoppedContext stopped(share);
    const runs::Run again(stopped, kModel, {}, ioi(12));
    EXPECT_NE(error_of(ErrorKind::kInterrupted, [&] { (void)again.result(kHeads, cut); }),
              "no error");
    const auto contents = contents_of(cut.folder);
    ASSERT_EQ(contents.size(), 1U);
    EXPECT_EQ(contents.begin()->first, "activation_patching.partial");
  }
  std::int64_t first = -1;
  std::int64_t of = 0;
  const RunContext last({.threads = 1,
                         .max_memory = kLittleMemory,
                         .progress = [&](std::int64_t done, std::int64_t total) {
                           if (first < 0) first = done;
                           of = total;
                         }});
  (void)runs::Run(last, kModel, {}, ioi(12)).result(kHeads, cut);
  EXPECT_GT(first, of / 2) << "what was finished is not computed again";
  EXPECT_EQ(contents_of(cut.folder), contents_of(whole.folder));
}

TEST(Runs, InTheFolderOfAFinishedOneWritesTheSameFilesAgain) {
  const RunContext ctx;
  const TemporaryDirectory folder;
  const Output output{.folder = folder.path().string()};
  const runs::Run run(ctx, kModel, {}, ioi(3));
  (void)run.result(kHeads, output);
  const auto first = contents_of(folder.path());
  (void)run.result(kHeads, output);
  EXPECT_EQ(contents_of(folder.path()), first);
}

TEST(Runs, LeavesTheFinishedValuesOfAnotherRunAlone) {
  const TemporaryDirectory folder;
  const Output output{.folder = folder.path().string()};
  {
    const StoppedContext stopped(0.5);
    const runs::Run other(stopped, kModel, {.center_unembed = true}, ioi(12));
    EXPECT_NE(error_of(ErrorKind::kInterrupted, [&] { (void)other.result(kHeads, output); }),
              "no error");
  }
  const auto before = contents_of(folder.path());
  const RunContext ctx;
  const runs::Run run(ctx, kModel, {}, ioi(12));
  const std::string error = error_of(ErrorKind::kUsage, [&] { (void)run.result(kHeads, output); });
  EXPECT_NE(error.find("weight processing (\"center_unembed\" there, nothing here)"),
            std::string::npos)
      << error;
  EXPECT_EQ(contents_of(folder.path()), before);
  const Output forced{.folder = output.folder, .overwrite = true};
  EXPECT_EQ(to_json(run.result(kHeads, forced).table), to_json(run.result(kHeads).table));
}

TEST(Runs, OfTheFirstPromptsIsOneOfThoseAlone) {
  const RunContext ctx;
  const runs::Run run(ctx, kModel, {}, ioi(6));
  ExperimentChoice first = kHeads;
  first.prompt_limit = 2;
  const EffectTable table = run.result(first).table;
  EXPECT_EQ(table.n_prompts(), 2);
  EXPECT_NE(table.provenance.tokens_sha256, tokens_sha256(run.prompts()));
  EXPECT_EQ(table.provenance.command, "") << "no command makes it";
  first.prompt_limit = 100;
  EXPECT_EQ(run.result(first).table.n_prompts(), 6);
}

TEST(Runs, WrongCallsAreErrorsThatSayWhatIsThere) {
  const RunContext ctx;
  const runs::Run run(ctx, kModel, {}, ioi(2));
  const auto refused = [&](const ExperimentChoice& choice) {
    const std::string checked = error_of(ErrorKind::kUsage, [&] { run.check(choice); });
    EXPECT_EQ(error_of(ErrorKind::kUsage, [&] { (void)run.result(choice); }), checked);
    return checked;
  };
  EXPECT_NE(refused({.name = "acuracy"}).find("did you mean \"accuracy\""), std::string::npos);
  EXPECT_NE(refused({.name = kHeads.name, .settings = {{"sight", "z"}}}).find("site"),
            std::string::npos);
  EXPECT_NE(refused({.name = kHeads.name, .settings = {{"site", "zz"}}}).find("zz"),
            std::string::npos);
  EXPECT_NE(refused({.name = kHeads.name, .prompt_limit = 0}).find("[prompt_limit]"),
            std::string::npos);
  for (const char* format : {"jsn", "html"}) {
    EXPECT_NE(error_of(ErrorKind::kUsage,
                       [&] { (void)run.result(kHeads, {.folder = "x", .formats = {format}}); })
                  .find("there is no format \"" + std::string(format) + "\""),
              std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists("x"));
  EXPECT_NE(error_of(ErrorKind::kCannotCreate,
                     [&] { (void)run.result(kHeads, {.folder = "/proc/nowhere"}); })
                .find("name another with `out`"),
            std::string::npos);
  EXPECT_NE(error_of(ErrorKind::kNoInput, [&] { (void)runs::Run(ctx, "ioi-smal", {}, ioi(2)); }),
            "no error");
  EXPECT_NE(error_of(ErrorKind::kUsage, [&] { (void)runs::Run(ctx, kModel, {}, {.name = "oio"}); }),
            "no error");
}

TEST(CommandLine, HasEverythingThatDecidesTheResultInOneOrder) {
  const RunSpec spec = {
      .model = "my models/m",
      .process = {.fold_layer_norm = true, .center_unembed = true},
      .task = {.name = "ioi",
               .options = {.prompts = 7,
                           .seed = 3,
                           .prepend_bos = false,
                           .corruption = "ABC",
                           .prompt_type = "mixed",
                           .collisions = true}},
      .experiment = {.name = "accuracy", .settings = {{"metrics", "it's"}, {"a", ""}}}};
  EXPECT_EQ(command_line(spec),
            "patchbay run accuracy --model 'my models/m' --task ioi --prompts 7 --seed 3 "
            "--corruption ABC --prompt-type mixed --collisions --no-bos --process "
            "fold_layer_norm,center_unembed --metrics 'it'\\''s'");
  EXPECT_EQ(command_line(StudySpec{.study = "x/mine.toml", .model = "gpt2"}, "mine.toml"),
            "patchbay study mine.toml --model gpt2");
  EXPECT_EQ(shell_line({"", "a b", "x=1"}), "'' 'a b' x=1");
}

}  // namespace
}  // namespace patchbay::runs
