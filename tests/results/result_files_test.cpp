// The other files of a result: CSV for spreadsheets, npz for numpy.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "patchbay/io/json_writer.h"
#include "patchbay/io/npy.h"
#include "patchbay/results/result_csv.h"
#include "patchbay/results/result_npz.h"
#include "patchbay/results/statistics.h"
#include "tests/io/io_testing.h"
#include "tests/results/results_testing.h"
#include "tests/support/temporary_directory.h"

namespace patchbay {
namespace {

using testing::read_raw;
using testing::small_table;
using testing::TemporaryDirectory;

TEST(ResultCsv, HasOneLinePerCellAndPrompt) {
  const std::string csv = to_csv(small_table());
  EXPECT_TRUE(
      csv.starts_with("layer,head,prompt,value,clean,corrupted,raw_effect\r\n"
                      "0,0,0,0.5,2,0.5,0\r\n"
                      "0,0,1,-0.25,1.5,-0.25,0\r\n"))
      << csv;
  EXPECT_TRUE(csv.ends_with("1,1,1,-0.0,1.5,-0.25,0.25\r\n1,1,2,,3,1,\r\n")) << csv;
  EXPECT_EQ(std::ranges::count(csv, '\n'), 1 + 12);
}

TEST(ResultCsv, QuotesWhatWouldBreakALineAndKeepsTheRestVerbatim) {
  EffectTable table = testing::raw_table({{1}, {2}, {3}, {4}, {5}});
  table.axes[0].labels = {"a,b", "say \"hi\"", "two\r\nlines", "=1+1", ""};
  table.axes[1].labels = {" Mary"};
  EXPECT_EQ(to_csv(table),
            "cell,prompt,value,clean,corrupted,raw_effect\r\n"
            "\"a,b\", Mary,1,0,,1\r\n"
            "\"say \"\"hi\"\"\", Mary,2,0,,2\r\n"
            "\"two\r\nlines\", Mary,3,0,,3\r\n"
            "=1+1, Mary,4,0,,4\r\n"
            ", Mary,5,0,,5\r\n");
}

TEST(ResultCsv, OfEffectsHasIntervalsUnitsAndTheTextsOfPrompts) {
  EffectTable table = small_table();
  table.columns = {{"clean", {"a, b", "c", "d"}}, {"clean tokens", {"a", "b", "c"}}};
  const TableStatistics statistics = table_statistics(table);
  const std::string csv = to_effects_csv(table);
  const CellSummary& cell = statistics.effects.front().cells.front();
  EXPECT_TRUE(csv.starts_with(fmt::format(
      "layer,head,prompt,effect,value,standard_error,low,high,p_value,n,unit,prompt.clean\r\n"
      "0,0,,raw,{},{},,,,{},{},\r\n",
      json_number(cell.value), json_number(cell.standard_error), cell.n, table.metric)))
      << csv;
  EXPECT_NE(csv.find("\r\n1,1,1,raw,0.25,,,,,1," + table.metric + ",c\r\n"), std::string::npos)
      << csv;
  EXPECT_TRUE(csv.ends_with("\r\n1,1,2,raw,,,,,,0," + table.metric + ",d\r\n")) << csv;
  EXPECT_NE(csv.find("," + table.metric + ",\"a, b\"\r\n"), std::string::npos) << csv;
  EXPECT_NE(csv.find("percent of clean"), std::string::npos);
  const std::size_t per_effect = static_cast<std::size_t>(table.cells());
  EXPECT_EQ(
      static_cast<std::size_t>(std::ranges::count(csv, '\n')),
      1 + per_effect * (statistics.effects.size() + static_cast<std::size_t>(table.n_prompts())));
}

TEST(ResultCsv, WritesAFile) {
  const TemporaryDirectory folder;
  write_csv(folder / "r.csv", small_table());
  EXPECT_EQ(read_raw(folder / "r.csv"), to_csv(small_table()));
}

TEST(ResultNpz, HoldsTheNumbersAsDoubles) {
  const TemporaryDirectory folder;
  EffectTable table = small_table();
  table.values[1] = 0.1;
  write_npz(folder / "r.npz", table);
  const NpzFile file = NpzFile::open(folder / "r.npz");
  EXPECT_EQ(file.names(), (std::vector<std::string>{"values", "clean", "corrupted"}));
  EXPECT_EQ(file.read("values").shape, table.shape());
  EXPECT_EQ(file.read("clean").floats.flat()[1], 1.5F);
  // The reader rounds to floats; the bytes are those of the doubles.
  const std::string bytes = read_raw(folder / "r.npz");
  const std::string doubles(reinterpret_cast<const char*>(table.values.data()),
                            table.values.size() * sizeof(double));
  EXPECT_NE(bytes.find(doubles), std::string::npos);
  EXPECT_NE(bytes.find("'descr': '<f8'"), std::string::npos);
}

TEST(ResultNpz, LeavesOutBaselinesThatAreNotThere) {
  const TemporaryDirectory folder;
  write_npz(folder / "r.npz", testing::raw_table({{1, 2}}));
  EXPECT_EQ(NpzFile::open(folder / "r.npz").names(), (std::vector<std::string>{"values", "clean"}));
}

}  // namespace
}  // namespace patchbay
