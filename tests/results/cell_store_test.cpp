// Finished values on disk: what was finished is found again, and nothing else.
#include "patchbay/results/cell_store.h"

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

constexpr std::string_view kScope = R"({"model":"tiny","version":1})";

CellKey key(std::int64_t cell) { return KeyMaker().add(cell).key(); }

double value(std::int64_t cell) {
  constexpr double kValues[] = {-0.0, std::numeric_limits<double>::quiet_NaN(),
                                std::numeric_limits<double>::denorm_min(), -1e300};
  return kValues[cell];
}

bool has_value(const CellStore& store, std::int64_t cell) {
  const auto found = store.find(key(cell));
  return found && std::bit_cast<std::uint64_t>(*found) == std::bit_cast<std::uint64_t>(value(cell));
}

class CellStoreFile : public ::testing::Test {
 protected:
  // Four values; offsets_[i] is where the file ends after i of them.
  void SetUp() override {
    CellStore store(path_, kScope);
    for (std::int64_t cell = 0; cell < 4; ++cell) {
      offsets_.push_back(std::filesystem::file_size(path_));
      store.add(key(cell), value(cell));
    }
    offsets_.push_back(std::filesystem::file_size(path_));
    bytes_ = read_raw(path_);
  }

  // How many values a store on these bytes has. They must be the first ones, bit for bit, and the
  // file must be cut off behind them so that the run can go on.
  std::int64_t values_of(std::string_view bytes, std::string_view scope = kScope) {
    write_raw(path_, bytes);
    const CellStore store(path_, scope, OtherScope::kForget);
    for (std::int64_t cell = 0; cell < 5; ++cell) {
      EXPECT_EQ(store.find(key(cell)).has_value(), cell < store.size()) << cell;
      EXPECT_TRUE(cell >= store.size() || has_value(store, cell)) << cell;
    }
    if (scope == kScope) {
      EXPECT_EQ(read_raw(path_), bytes_.substr(0, offsets_[std::size_t(store.size())]));
      const CellStore::Content content = CellStore::read(path_);
      EXPECT_EQ(content.scope, kScope);
      EXPECT_EQ(std::ssize(content.cells), store.size());
    }
    return store.size();
  }

  TemporaryDirectory folder_;
  std::filesystem::path path_ = folder_ / "run.partial";
  std::vector<std::uint64_t> offsets_;
  std::string bytes_;
};

TEST_F(CellStoreFile, FindsTheValuesOfAnEarlierRunBitForBit) { EXPECT_EQ(values_of(bytes_), 4); }

TEST_F(CellStoreFile, GoesOnWhereTheEarlierRunStopped) {
  for (std::size_t values = 0; values < 4; ++values) {
    write_raw(path_, bytes_.substr(0, offsets_[values] + 5));
    {
      CellStore store(path_, kScope);
      ASSERT_EQ(store.size(), static_cast<std::int64_t>(values));
      for (std::int64_t cell = 0; cell < 4; ++cell) store.add(key(cell), value(cell));
      EXPECT_TRUE(has_value(store, 3));
    }
    EXPECT_EQ(read_raw(path_), bytes_);
  }
}

TEST_F(CellStoreFile, BelievesTheWholeRecordsOfAFileCutOffAnywhere) {
  for (std::size_t size = 0; size < bytes_.size(); ++size) {
    std::int64_t whole = 0;
    while (whole < 4 && offsets_[std::size_t(whole) + 1] <= size) ++whole;
    ASSERT_EQ(values_of(bytes_.substr(0, size)), whole) << size;
  }
}

TEST_F(CellStoreFile, BelievesNothingFromAChangedByteOn) {
  constexpr std::size_t kMagic = sizeof("patchbay cells 1\n") - 1;
  for (std::size_t at = kMagic; at < bytes_.size(); ++at) {
    std::int64_t whole = 0;
    while (whole < 4 && offsets_[std::size_t(whole) + 1] <= at) ++whole;
    for (const int change : {1, 2, 0x80, 0xFF}) {
      std::string damaged = bytes_;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      ASSERT_EQ(values_of(damaged), whole) << at;
    }
  }
}

TEST_F(CellStoreFile, SurvivesRandomDamage) {
  testing::survive_damage(bytes_, 400, [&](const std::string& damaged) {
    write_raw(path_, damaged);
    const CellStore store(path_, kScope);
    for (std::int64_t cell = 0; cell < 4; ++cell) {
      ASSERT_TRUE(!store.find(key(cell)) || has_value(store, cell));
    }
  });
}

TEST_F(CellStoreFile, BelievesNoRecordInAnotherPlaceOrOfAnotherRun) {
  const auto part = [&](std::size_t from, std::size_t to) {
    return bytes_.substr(offsets_[from], offsets_[to] - offsets_[from]);
  };
  const std::string start = bytes_.substr(0, offsets_[0]);
  EXPECT_EQ(values_of(start + part(1, 2)), 0);
  EXPECT_EQ(values_of(start + part(0, 1) + part(0, 1)), 1);
  EXPECT_EQ(values_of(bytes_, R"({"model":"tiny","version":2})"), 0);
  EXPECT_EQ(values_of(bytes_, R"({"model":"tiny","version":1}x)"), 0);
  EXPECT_EQ(values_of(bytes_, ""), 0);
  // A start with another scope, with this scope's records behind it.
  write_raw(path_, "");
  { const CellStore other(path_, "other"); }
  EXPECT_EQ(values_of(read_raw(path_) + part(0, 4)), 0);
}

TEST_F(CellStoreFile, LeavesOtherFilesAlone) {
  for (const std::string_view text : {"My thesis", "patchbay cells 2\n", "\x89PNG"}) {
    write_raw(path_, text);
    expect_parts(error_of(ErrorKind::kUsage, [&] { CellStore(path_, kScope); }),
                 "[finished values]", path_.string(), "is not a file of a run's finished values");
    EXPECT_EQ(read_raw(path_), text);
  }
}

TEST_F(CellStoreFile, OfAnotherScopeIsLeftAloneUnlessItIsToBeForgotten) {
  expect_parts(error_of(ErrorKind::kUsage, [&] { CellStore(path_, "other"); }), "[finished values]",
               path_.string(), "is of another run");
  EXPECT_EQ(read_raw(path_), bytes_);
  { EXPECT_EQ(CellStore(path_, "other", OtherScope::kForget).size(), 0); }
  EXPECT_EQ(CellStore::read(path_).scope, "other");
}

TEST_F(CellStoreFile, BelongsToOneRunAtATime) {
  {
    const CellStore first(path_, kScope);
    expect_parts(error_of(ErrorKind::kUsage, [&] { CellStore(path_, kScope); }),
                 "another run is writing here", "name another output");
  }
  const CellStore second(path_, kScope);
  EXPECT_EQ(second.size(), 4);
}

TEST_F(CellStoreFile, IsGoneWhenTheRunIsOver) {
  CellStore store(path_, kScope);
  store.remove();
  EXPECT_FALSE(std::filesystem::exists(path_));
  const CellStore next(path_, kScope);
  EXPECT_EQ(next.size(), 0);
}

TEST_F(CellStoreFile, SaysWhereItCannotBeMade) {
  expect_parts(
      error_of(ErrorKind::kCannotCreate, [&] { CellStore(folder_ / "no" / "file", kScope); }),
      "No such file or directory");
  expect_parts(error_of(ErrorKind::kCannotCreate, [&] { CellStore(folder_.path(), kScope); }),
               folder_.path().string());
}

TEST_F(CellStoreFile, LosesNothingWhenTheProcessIsKilled) {
  std::filesystem::remove(path_);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    CellStore store(path_, kScope);
    for (std::int64_t cell = 0; cell < 4; ++cell) store.add(key(cell), value(cell));
    raise(SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(values_of(read_raw(path_)), 4);
}

TEST_F(CellStoreFile, StaysWholeWhenTheDiskIsFull) {
  std::filesystem::remove(path_);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // A limit on the file's size stands for the full disk: the record of the second value does not
    // fit.
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{offsets_[2] - 8, offsets_[2] - 8};
    setrlimit(RLIMIT_FSIZE, &limit);
    int failures = 0;
    {
      CellStore store(path_, kScope);
      store.add(key(0), value(0));
      try {
        store.add(key(1), value(1));
      } catch (const Error& error) {
        failures += error.kind() == ErrorKind::kInputOutput && !store.find(key(1)) ? 1 : 0;
      }
    }
    _exit(failures == 1 && std::filesystem::file_size(path_) == offsets_[1] ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(values_of(read_raw(path_)), 1);
}

TEST_F(CellStoreFile, KeepsTheFirstValueOfAKey) {
  CellStore store;
  store.add(key(0), 1.0);
  store.add(key(0), 2.0);
  EXPECT_EQ(store.find(key(0)), 1.0);
  EXPECT_EQ(store.size(), 1);
}

TEST(CellKeys, TellContentsApart) {
  const std::vector<std::int32_t> tokens = {1, 2, 3};
  const std::vector<CellKey> keys = {
      KeyMaker().key(),
      KeyMaker().add("").key(),
      KeyMaker().add("ab").add("c").key(),
      KeyMaker().add("a").add("bc").key(),
      KeyMaker().add(std::int64_t{1}).key(),
      KeyMaker().add(1.0).key(),
      KeyMaker().add(std::span(tokens)).key(),
      KeyMaker().add(std::span(tokens).first(2)).add(std::span(tokens).last(1)).key()};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_FALSE(keys[i] == keys[j]) << i << ", " << j;
  }
}

// Written once by this library: files of finished values outlive a build.
TEST(CellKeys, AreTheSameEverywhere) {
  const CellKey key = KeyMaker().add("a prompt").add(std::int64_t{7}).key();
  EXPECT_EQ(key.low, 8127950575518589929U);
  EXPECT_EQ(key.high, 9582251232705851566U);
}

}  // namespace
}  // namespace patchbay
