// The other files of a result: CSV for spreadsheets, npz for numpy.
#include <gtest/gtest.h>

#include <algorithm>

#include "patchbay/io/npy.h"
#include "patchbay/results/result_csv.h"
#include "patchbay/results/result_npz.h"
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
