// The journal of an interrupted run: what was finished is found again, and nothing else.
#include "patchbay/results/journal.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <csignal>
#include <cstring>
#include <limits>

#include "tests/io/io_testing.h"
#include "tests/support/temporary_directory.h"

namespace patchbay {
namespace {

using testing::error_of;
using testing::expect_parts;
using testing::read_raw;
using testing::TemporaryDirectory;
using testing::write_raw;

constexpr std::string_view kKey = R"({"model":"tiny","seed":1})";

const std::vector<double>& row(std::int64_t cell) {
  static const std::vector<double> rows[] = {
      {1.5, -0.0, 0.1},
      {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::denorm_min(), 3},
      {},
      {-1e300, 2, 4}};
  return rows[cell];
}

class JournalFile : public ::testing::Test {
 protected:
  // A journal of four rows; offsets_[i] is where the file ends after i rows.
  void SetUp() override {
    Journal journal(path_, kKey);
    for (std::int64_t cell = 0; cell < 4; ++cell) {
      offsets_.push_back(std::filesystem::file_size(path_));
      journal.append(cell, row(cell));
    }
    offsets_.push_back(std::filesystem::file_size(path_));
    bytes_ = read_raw(path_);
  }

  // How many rows a journal on these bytes has. They must be the first ones, bit for bit, and the
  // file must be cut off behind them so that the run can go on.
  std::int64_t rows_of(std::string_view bytes, std::string_view key = kKey) {
    write_raw(path_, bytes);
    const Journal journal(path_, key);
    for (std::int64_t cell = 0; cell < 5; ++cell) {
      const auto found = journal.find(cell);
      EXPECT_EQ(found.has_value(), cell < journal.size()) << cell;
      if (!found || cell >= 4) continue;
      EXPECT_EQ(found->size(), row(cell).size());
      EXPECT_TRUE(found->empty() ||
                  std::memcmp(found->data(), row(cell).data(), found->size_bytes()) == 0);
    }
    if (key == kKey) {
      EXPECT_EQ(read_raw(path_), bytes_.substr(0, offsets_[std::size_t(journal.size())]));
    }
    return journal.size();
  }

  TemporaryDirectory folder_;
  std::filesystem::path path_ = folder_ / "run.journal";
  std::vector<std::uint64_t> offsets_;
  std::string bytes_;
};

TEST_F(JournalFile, FindsTheRowsOfAnEarlierRunBitForBit) { EXPECT_EQ(rows_of(bytes_), 4); }

TEST_F(JournalFile, GoesOnWhereTheEarlierRunStopped) {
  for (std::size_t rows = 0; rows < 4; ++rows) {
    write_raw(path_, bytes_.substr(0, offsets_[rows] + 5));
    {
      Journal journal(path_, kKey);
      ASSERT_EQ(journal.size(), static_cast<std::int64_t>(rows));
      for (auto cell = journal.size(); cell < 4; ++cell) journal.append(cell, row(cell));
      EXPECT_EQ(journal.find(3)->front(), -1e300);
    }
    EXPECT_EQ(read_raw(path_), bytes_);
  }
}

TEST_F(JournalFile, BelievesTheWholeRowsOfAFileCutOffAnywhere) {
  for (std::size_t size = 0; size < bytes_.size(); ++size) {
    std::int64_t whole = 0;
    while (whole < 4 && offsets_[std::size_t(whole) + 1] <= size) ++whole;
    ASSERT_EQ(rows_of(bytes_.substr(0, size)), whole) << size;
  }
}

TEST_F(JournalFile, BelievesNothingFromAChangedByteOn) {
  constexpr std::size_t kMagic = sizeof("patchbay journal 1\n") - 1;
  for (std::size_t at = kMagic; at < bytes_.size(); ++at) {
    std::int64_t whole = 0;
    while (whole < 4 && offsets_[std::size_t(whole) + 1] <= at) ++whole;
    for (const int change : {1, 2, 0x80, 0xFF}) {
      std::string damaged = bytes_;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      ASSERT_EQ(rows_of(damaged), whole) << at;
    }
  }
}

TEST_F(JournalFile, SurvivesRandomDamage) {
  testing::survive_damage(bytes_, 400, [&](const std::string& damaged) {
    write_raw(path_, damaged);
    const Journal journal(path_, kKey);
    for (std::int64_t cell = 0; cell < 4; ++cell) {
      const auto found = journal.find(cell);
      if (found && !found->empty()) {
        ASSERT_EQ(std::memcmp(found->data(), row(cell).data(), found->size_bytes()), 0);
      }
    }
  });
}

TEST_F(JournalFile, BelievesNoRowInAnotherPlaceOrOfAnotherRun) {
  const auto part = [&](std::size_t from, std::size_t to) {
    return bytes_.substr(offsets_[from], offsets_[to] - offsets_[from]);
  };
  const std::string start = bytes_.substr(0, offsets_[0]);
  EXPECT_EQ(rows_of(start + part(1, 2)), 0);
  EXPECT_EQ(rows_of(start + part(0, 1) + part(0, 1)), 1);
  EXPECT_EQ(rows_of(bytes_, R"({"model":"tiny","seed":2})"), 0);
  EXPECT_EQ(rows_of(bytes_, R"({"model":"tiny","seed":1}x)"), 0);
  EXPECT_EQ(rows_of(bytes_, ""), 0);
  // A start with another key, with this run's rows behind it.
  write_raw(path_, "");
  { const Journal other(path_, "other"); }
  EXPECT_EQ(rows_of(read_raw(path_) + part(0, 4)), 0);
}

TEST_F(JournalFile, LeavesFilesAloneThatAreNoJournals) {
  for (const std::string_view text : {"My thesis", "patchbay journal 2\n", "\x89PNG"}) {
    write_raw(path_, text);
    expect_parts(error_of(ErrorKind::kUsage, [&] { Journal(path_, kKey); }), "[journal]",
                 path_.string(), "is no journal of a run");
    EXPECT_EQ(read_raw(path_), text);
  }
}

TEST_F(JournalFile, BelongsToOneRunAtATime) {
  {
    const Journal first(path_, kKey);
    expect_parts(error_of(ErrorKind::kUsage, [&] { Journal(path_, kKey); }),
                 "another run is writing here", "name another output");
  }
  const Journal second(path_, kKey);
  EXPECT_EQ(second.size(), 4);
}

TEST_F(JournalFile, IsGoneWhenTheRunIsOver) {
  Journal journal(path_, kKey);
  journal.remove();
  EXPECT_FALSE(std::filesystem::exists(path_));
  const Journal next(path_, kKey);
  EXPECT_EQ(next.size(), 0);
}

TEST_F(JournalFile, SaysWhereItCannotBeMade) {
  expect_parts(error_of(ErrorKind::kCannotCreate, [&] { Journal(folder_ / "no" / "file", kKey); }),
               "No such file or directory");
  expect_parts(error_of(ErrorKind::kCannotCreate, [&] { Journal(folder_.path(), kKey); }),
               folder_.path().string());
}

TEST_F(JournalFile, LosesNothingWhenTheProcessIsKilled) {
  std::filesystem::remove(path_);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Journal journal(path_, kKey);
    for (std::int64_t cell = 0; cell < 4; ++cell) journal.append(cell, row(cell));
    raise(SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(rows_of(read_raw(path_)), 4);
}

TEST_F(JournalFile, StaysWholeWhenTheDiskIsFull) {
  std::filesystem::remove(path_);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // A limit on the file's size stands for the full disk: the record of row 1 does not fit.
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{offsets_[2] - 8, offsets_[2] - 8};
    setrlimit(RLIMIT_FSIZE, &limit);
    int failures = 0;
    {
      Journal journal(path_, kKey);
      journal.append(0, row(0));
      try {
        journal.append(1, row(1));
      } catch (const Error& error) {
        failures += error.kind() == ErrorKind::kInputOutput && !journal.find(1) ? 1 : 0;
      }
    }
    _exit(failures == 1 && std::filesystem::file_size(path_) == offsets_[1] ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(rows_of(read_raw(path_)), 1);
}

}  // namespace
}  // namespace patchbay
