// Result files: their bytes, the way back, and what is refused.
#include "patchbay/results/result_json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "tests/io/io_testing.h"
#include "tests/results/results_testing.h"
#include "tests/support/temporary_directory.h"

namespace patchbay {
namespace {

using testing::error_of;
using testing::expect_parts;
using testing::read_raw;
using testing::small_table;
using testing::TemporaryDirectory;
using testing::write_raw;

const std::filesystem::path kGolden = std::filesystem::path(PATCHBAY_GOLDEN_DIR) / "results";

// A table that can be tested, with a cell that no prompt has and a mean of ratios.
EffectTable tested_table() {
  EffectTable table = testing::random_table(3, 9, Direction::kNoise, 3);
  table.aggregate = Aggregate::kMeanOfRatios;
  table.baselines.corrupted[4] = table.baselines.clean[4];
  for (std::size_t i = 9; i < 18; ++i) table.values[i] = testing::kMissing;
  return table;
}

EffectTable table_without_sides() {
  EffectTable table = testing::random_table(1, 24, Direction::kNone, 8);
  table.axes.erase(table.axes.begin());
  table.baselines = {};
  table.effect = EffectKind::kRaw;
  return table;
}

struct Golden {
  const char* name;
  EffectTable table;
};

std::vector<Golden> goldens() {
  return {{"small.json", small_table()},
          {"tested.json", tested_table()},
          {"without_sides.json", table_without_sides()}};
}

// A golden is a file that was looked at; PATCHBAY_WRITE_GOLDENS=1 writes them anew, to be looked
// at.
TEST(ResultJson, WritesTheGoldenBytes) {
  for (const auto& [name, table] : goldens()) {
    if (std::getenv("PATCHBAY_WRITE_GOLDENS") != nullptr) write_json(kGolden / name, table);
    EXPECT_EQ(to_json(table), read_raw(kGolden / name)) << name;
  }
}

TEST(ResultJson, WritesTheSameBytesAfterReading) {
  const TemporaryDirectory folder;
  const StatisticsOptions options{.bootstrap_resamples = 100,
                                  .seed = std::numeric_limits<std::uint64_t>::max(),
                                  .confidence = 0.9,
                                  .smallest_gap = 0.25};
  for (const auto& [name, table] : goldens()) {
    write_json(folder / name, table, options);
    const StoredResult read = read_result(folder / name);
    EXPECT_EQ(to_json(read.table, read.statistics), read_raw(folder / name)) << name;
  }
}

TEST(ResultJson, ReadsBackWhatWasWritten) {
  const EffectTable table = small_table();
  const EffectTable read = parse_result(to_json(table), "x").table;
  EXPECT_EQ(read.experiment, table.experiment);
  ASSERT_EQ(read.options.size(), table.options.size());
  for (std::size_t i = 0; i < read.options.size(); ++i) {
    EXPECT_EQ(read.options[i].name, table.options[i].name);
    EXPECT_EQ(read.options[i].value, table.options[i].value) << read.options[i].name;
  }
  EXPECT_EQ(read.direction, table.direction);
  EXPECT_EQ(read.shape(), table.shape());
  EXPECT_EQ(read.cell_labels(3), table.cell_labels(3));
  EXPECT_TRUE(std::isnan(read.values.back()));
  EXPECT_TRUE(std::signbit(read.value(3, 1)));
  EXPECT_EQ(read.baselines.clean, table.baselines.clean);
  EXPECT_EQ(read.columns[0].texts, table.columns[0].texts);
  EXPECT_EQ(read.notes, table.notes);
  EXPECT_EQ(read.provenance.model_sha256, table.provenance.model_sha256);
  EXPECT_EQ(read.provenance.tokens_sha256, "");
  EXPECT_TRUE(read.provenance.prepend_bos);
}

TEST(ResultJson, WritesInfinitiesAsMissingAndLeavesThemOut) {
  EffectTable table = small_table();
  table.values[0] = -std::numeric_limits<double>::infinity();
  expect_parts(to_json(table), "[null, -0.25, 1]", "[1, 0]");
}

// Every mistake is one replacement in a good file.
TEST(ResultJson, RefusesFilesThatBreakARule) {
  const std::tuple<std::string, std::string, std::string> mistakes[] = {
      {"\"patchbay-result\"", "\"other\"", "so this is not a result file"},
      {"\"format_version\": 1", "\"format_version\": 2", "reads version 1 only"},
      {"\"format_version\": 1", "\"format_version\": 1.0", "must be an integer"},
      {"\"metric\"", "\"metrik\"", "has an unknown key \"metrik\"; did you mean \"metric\"?"},
      {"\"task\": \"ioi\",", "", "has no key \"task\""},
      {"\"sha256\": \"", "\"sha265\": \"", "\"model\" has an unknown key \"sha265\""},
      {"\"tokens_sha256\": null", "\"tokens_sha256\": \"\"", "null says it is unknown"},
      {"\"prepend_bos\": true", "\"prepend_bos\": 1", "\"prepend_bos\" must be true or false"},
      {"\"denoise\"", "\"sideways\"", "\"direction\" is \"sideways\""},
      {"\"effect\": \"fraction\"", "\"effect\": \"part\"", "\"shown.effect\" is \"part\""},
      {"\"seed\": 7", "\"seed\": null", "\"options.seed\" must be true, false"},
      {"\"seed\": 7", "\"site\": 7", "site"},
      {"\"all_positions\": true", "\"all_positions\": {}", "\"options.all_positions\" must be"},
      {"\"name\": \"head\"", "\"name\": \"layer\"", "the axis \"layer\" is given twice"},
      {"\"name\": \"prompt\"", "\"name\": \"x\"", "the last axis must be \"prompt\""},
      {"\"labels\": [\"0\", \"1\"]", "\"labels\": []", "the axis \"layer\" has 0 labels"},
      {"\"labels\": [\"0\", \"1\", \"2\"]", "\"labels\": [\"0\", \"1\"]",
       "\"values[0][0]\" has 3 elements, but the axis \"prompt\" has 2 labels"},
      {"[2, 1.5, 2.5]", "[2, 1.5]", "\"values[1][0]\" has 2 elements"},
      {"[2, 1.5, 2.5]", "[2, \"1.5\", 2.5]", "\"values[1][0][1]\" must be a number"},
      {"[2, 1.5, 2.5]", "2", "\"values[1][0]\" must be an array"},
      {"\"clean\": [2, 1.5, 3]", "\"clean\": [2, 1.5]", "the clean baseline has 2 values"},
      {"\"clean\": [2, 1.5, 3]", "\"clean\": [2, null, 3]", "\"baselines.clean[1]\" must be"},
      {"\"clean\": [2, 1.5, 3]", "\"clean\": []", "the effect fraction needs"},
      {"   \" Tom\"\n", "   \" Tom\", \"\"\n", "the column \"answer\" has 4 texts"},
      {"\"confidence\": 0.95", "\"confidence\": 95", "confidence is 95"},
      {"\"effects\": {", "\"effects\": [], \"x\": {", "unknown key \"x\""},
      {"\"seed\": 0", "\"seed\": -1",
       "\"statistics.seed\" must be an integer that is not negative"},
  };
  const std::string good = to_json(small_table());
  for (const auto& [from, to, what] : mistakes) {
    std::string bad = good;
    const std::size_t at = bad.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    bad.replace(at, from.size(), to);
    expect_parts(error_of(ErrorKind::kBadData, [&] { parse_result(bad, "r.json"); }), "[result] ",
                 "r.json", what);
  }
  expect_parts(error_of(ErrorKind::kBadData, [] { parse_result("[]", "r.json"); }),
               "not a result file");
  EXPECT_EQ(error_of(ErrorKind::kNoInput, [] { read_result("/no/such.json"); }).substr(0, 6),
            "[file]");
}

TEST(ResultJson, SurvivesDamage) {
  const std::string good = to_json(small_table());
  const int refused = testing::survive_damage(
      good, 1500, [](const std::string& bytes) { (void)parse_result(bytes, "r.json"); });
  EXPECT_GT(refused, 750);
}

TEST(ResultJson, ReplacesAFileWholeOrNotAtAll) {
  const TemporaryDirectory folder;
  write_raw(folder / "r.json", "old");
  EffectTable wrong = small_table();
  wrong.values.pop_back();
  error_of(ErrorKind::kUsage, [&] { write_json(folder / "r.json", wrong); });
  EXPECT_EQ(read_raw(folder / "r.json"), "old");
  write_json(folder / "r.json", small_table());
  EXPECT_EQ(read_raw(folder / "r.json"), to_json(small_table()));
}

}  // namespace
}  // namespace patchbay
