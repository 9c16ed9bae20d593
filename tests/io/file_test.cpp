// Files are read exactly, and written whole or not at all.
#include "patchbay/io/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "tests/io/io_testing.h"
#include "tests/support/temporary_directory.h"

namespace patchbay {
namespace {

using testing::error_of;
using testing::expect_parts;
using testing::read_raw;
using testing::TemporaryDirectory;
using testing::write_raw;

std::size_t files_in(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder),
                                                std::filesystem::directory_iterator()));
}

// The superuser may write anywhere: tests of permissions step down for a moment.
class WithoutPrivileges {
 public:
  WithoutPrivileges() : user_(geteuid()) {
    constexpr uid_t kNobody = 65534;
    if (user_ == 0) dropped_ = seteuid(kNobody) == 0;
  }
  WithoutPrivileges(const WithoutPrivileges&) = delete;
  WithoutPrivileges& operator=(const WithoutPrivileges&) = delete;
  ~WithoutPrivileges() {
    if (user_ == 0) (void)!seteuid(user_);
  }
  [[nodiscard]] bool ok() const { return user_ != 0 || dropped_; }

 private:
  uid_t user_;
  bool dropped_ = false;
};

TEST(File, ReadsExactlyTheBytesAskedFor) {
  const TemporaryDirectory folder;
  write_raw(folder / "a", "0123456789");
  const InputFile file = InputFile::open(folder / "a");
  EXPECT_EQ(file.size(), 10U);
  std::string out(4, ' ');
  file.read_at(3, std::as_writable_bytes(std::span(out)));
  EXPECT_EQ(out, "3456");
  expect_parts(error_of(ErrorKind::kInputOutput,
                        [&] { file.read_at(8, std::as_writable_bytes(std::span(out))); }),
               (folder / "a").string(), "ends at byte 10", "4 bytes from byte 8");
  EXPECT_EQ(read_file(folder / "a", 10), "0123456789");
  expect_parts(error_of(ErrorKind::kBadData, [&] { read_file(folder / "a", 9); }), "at most 9");
}

TEST(File, NoticesAFileThatWasCutShortMeanwhile) {
  const TemporaryDirectory folder;
  write_raw(folder / "a", "0123456789");
  const InputFile file = InputFile::open(folder / "a");
  std::filesystem::resize_file(folder / "a", 5);
  std::string out(10, ' ');
  expect_parts(error_of(ErrorKind::kInputOutput,
                        [&] { file.read_at(0, std::as_writable_bytes(std::span(out))); }),
               "ends at byte 5");
}

TEST(File, RefusesWhatIsNoRegularFile) {
  const TemporaryDirectory folder;
  expect_parts(error_of(ErrorKind::kNoInput, [&] { InputFile::open(folder.path()); }),
               folder.path().string(), "is a folder");
  expect_parts(error_of(ErrorKind::kNoInput, [&] { InputFile::open(folder / "none"); }),
               (folder / "none").string(), "no such file");
  expect_parts(error_of(ErrorKind::kNoInput, [] { InputFile::open("/dev/zero"); }), "a device");
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  expect_parts(error_of(ErrorKind::kNoInput, [&] { InputFile::open(folder / "pipe"); }), "a pipe");
}

TEST(File, RefusesWhatMayNotBeRead) {
  const TemporaryDirectory folder;
  write_raw(folder / "a", "secret");
  ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
  ASSERT_EQ(chmod((folder / "a").c_str(), 0), 0);
  const WithoutPrivileges nobody;
  if (!nobody.ok()) GTEST_SKIP() << "this user cannot drop its privileges";
  expect_parts(error_of(ErrorKind::kNoInput, [&] { InputFile::open(folder / "a"); }),
               (folder / "a").string(), "permission denied");
}

TEST(AtomicFile, AppearsWholeOnCommit) {
  const TemporaryDirectory folder;
  write_raw(folder / "a", "old");
  {
    AtomicFile file(folder / "a");
    file.write("new ");
    EXPECT_EQ(read_raw(folder / "a"), "old");
    file.write("content");
    EXPECT_EQ(file.size(), 11U);
    file.commit();
  }
  EXPECT_EQ(read_raw(folder / "a"), "new content");
  EXPECT_EQ(files_in(folder.path()), 1U);
}

TEST(AtomicFile, LeavesNothingBehindWithoutCommit) {
  const TemporaryDirectory folder;
  {
    AtomicFile file(folder / "a");
    file.write("half");
    // None where the file system has files without a name.
    EXPECT_LE(files_in(folder.path()), 1U);
    EXPECT_FALSE(std::filesystem::exists(folder / "a"));
  }
  EXPECT_EQ(files_in(folder.path()), 0U);
}

TEST(AtomicFile, LeavesTheOldFileWhenWritingFails) {
  const TemporaryDirectory folder;
  write_raw(folder / "a", "old");
  // A limit on the size of files fails as a full disk does: in the middle of a write.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string text =
      error_of(ErrorKind::kInputOutput, [&] { write_file(folder / "a", std::string(5000, 'x')); });
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  expect_parts(text, (folder / "a").string(), "writing at byte 1000", "permitted size");
  EXPECT_EQ(read_raw(folder / "a"), "old");
  EXPECT_EQ(files_in(folder.path()), 1U);
}

TEST(AtomicFile, HonoursTheUmask) {
  const TemporaryDirectory folder;
  const mode_t before = umask(027);
  write_file(folder / "a", "x");
  umask(before);
  struct stat status {};
  ASSERT_EQ(stat((folder / "a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
}

TEST(AtomicFile, NamesTheFolderThatIsMissing) {
  const TemporaryDirectory folder;
  expect_parts(error_of(ErrorKind::kCannotCreate, [&] { write_file(folder / "no/a", "x"); }),
               (folder / "no/a").string(), "in the folder " + (folder / "no").string(),
               "no such file or folder");
}

TEST(AtomicFile, NamesTheFolderThatIsReadOnly) {
  const TemporaryDirectory folder;
  ASSERT_EQ(chmod(folder.path().c_str(), 0555), 0);
  {
    const WithoutPrivileges nobody;
    if (!nobody.ok()) GTEST_SKIP() << "this user cannot drop its privileges";
    expect_parts(error_of(ErrorKind::kCannotCreate, [&] { write_file(folder / "a", "x"); }),
                 folder.path().string(), "permission denied");
  }
  ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
  EXPECT_EQ(files_in(folder.path()), 0U);
}

TEST(AtomicFile, RefusesTargetsThatAreNoFiles) {
  const TemporaryDirectory folder;
  expect_parts(error_of(ErrorKind::kCannotCreate, [&] { write_file(folder.path(), "x"); }),
               "a folder has this name");
  expect_parts(error_of(ErrorKind::kCannotCreate, [&] { write_file(folder / "new/", "x"); }),
               "without a name");
  expect_parts(error_of(ErrorKind::kCannotCreate, [] { write_file("", "x"); }), "without a name");
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  expect_parts(error_of(ErrorKind::kCannotCreate, [&] { write_file(folder / "pipe", "x"); }),
               "a device or a pipe");
}

TEST(AtomicFile, WritesThroughALinkAndKeepsIt) {
  const TemporaryDirectory folder;
  std::filesystem::create_directory(folder / "real");
  write_raw(folder / "real/a", "old");
  std::filesystem::create_symlink("real/a", folder / "link");
  write_file(folder / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(read_raw(folder / "real/a"), "new");
  std::filesystem::create_symlink("nowhere", folder / "dangling");
  expect_parts(error_of(ErrorKind::kCannotCreate, [&] { write_file(folder / "dangling", "x"); }),
               "leads nowhere");
}

TEST(AtomicFile, TakesTheLongestNames) {
  const TemporaryDirectory folder;
  const std::string name(255, 'n');
  write_file(folder / name, "x");
  EXPECT_EQ(read_raw(folder / name), "x");
}

}  // namespace
}  // namespace patchbay
