// The Hugging Face cache, written.
#include "patchbay/hub/cache_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

#include "patchbay/io/file.h"

namespace patchbay::hub {
namespace {

namespace fs = std::filesystem;

// Whether the name still belongs to the open file: another program may have removed it meanwhile,
// and a lock on a file without a name locks nobody out.
bool is_named(int descriptor, const fs::path& file) {
  struct stat open {};
  struct stat named {};
  return fstat(descriptor, &open) == 0 && stat(file.c_str(), &named) == 0 &&
         open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

// Links and copies are made under a name of their own and then moved, so that the name is never
// without a file and two processes cannot meet halfway.
fs::path beside(const fs::path& file) {
  return file.parent_path() / fmt::format(".{}.{}.tmp", file.filename().string(), getpid());
}

void move_into_place(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    const int error_number = errno;
    ::unlink(from.c_str());
    throw disk_error(to, "cannot be given its name", error_number);
  }
}

}  // namespace

Error disk_error(const fs::path& path, std::string_view what, int error_number) {
  const bool forbidden = error_number == EACCES || error_number == EPERM || error_number == EROFS ||
                         error_number == ENOTDIR || error_number == EEXIST ||
                         error_number == EISDIR;
  const bool full = error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
  const std::string_view next =
      forbidden ? "check who may write there, or name another cache with HF_HUB_CACHE"
      : full    ? "free some space, or name a cache on another disk with HF_HUB_CACHE"
                : "try again, or name another cache with HF_HUB_CACHE";
  return {forbidden ? ErrorKind::kCannotCreate : ErrorKind::kInputOutput, "hub",
          fmt::format("{}: {}: {}; {}", path.string(), what,
                      std::error_code(error_number, std::generic_category()).message(), next)};
}

void make_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw disk_error(folder, "the folder cannot be made", error.value());
}

std::uint64_t free_space(const fs::path& folder) {
  std::error_code ignored;
  fs::path there = fs::absolute(folder, ignored);
  while (!fs::exists(there, ignored) && there.has_relative_path()) there = there.parent_path();
  struct statvfs disk {};
  if (statvfs(there.c_str(), &disk) != 0) {
    throw disk_error(there, "its free space is not known", errno);
  }
  return std::uint64_t{disk.f_bavail} * disk.f_frsize;
}

BlobLock::BlobLock(const RunContext& ctx, const fs::path& file,
                   const std::function<void()>& waiting) {
  constexpr auto kBetweenTries = std::chrono::milliseconds(50);
  make_folders(file.parent_path());
  bool said = false;
  while (true) {
    ctx.check_cancelled();
    descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0) throw disk_error(file, "the lock cannot be made", errno);
    const int done = ::flock(descriptor_, LOCK_EX | LOCK_NB);
    const int error_number = errno;
    // A disk without locks cannot protect anybody; the digests still do.
    if (done != 0 && error_number != EWOULDBLOCK && error_number != EINTR) return;
    if (done == 0 && is_named(descriptor_, file)) return;
    ::close(std::exchange(descriptor_, -1));
    if (done == 0) continue;
    if (!std::exchange(said, true) && waiting) waiting();
    std::this_thread::sleep_for(kBetweenTries);
  }
}

BlobLock::~BlobLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

PartialFile::PartialFile(const fs::path& blob) : blob_(blob), path_(blob.string() + ".incomplete") {
  make_folders(blob.parent_path());
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
  struct stat status {};
  if (descriptor_ < 0 || fstat(descriptor_, &status) != 0) {
    const int error_number = errno;
    if (descriptor_ >= 0) ::close(descriptor_);
    throw disk_error(path_, "the file cannot be made", error_number);
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

PartialFile::~PartialFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void PartialFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw disk_error(path_, fmt::format("writing at byte {}", size_), errno);
    size_ += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void PartialFile::clear() {
  if (::ftruncate(descriptor_, 0) != 0) throw disk_error(path_, "starting again", errno);
  size_ = 0;
}

void PartialFile::commit() {
  if (::fsync(descriptor_) != 0) throw disk_error(path_, "writing to the disk", errno);
  if (::close(std::exchange(descriptor_, -1)) != 0) {
    throw disk_error(path_, "finishing the file", errno);
  }
  if (::rename(path_.c_str(), blob_.c_str()) != 0) {
    throw disk_error(blob_, "cannot be given its name", errno);
  }
}

void place_in_snapshot(const fs::path& blob, const fs::path& file) {
  make_folders(file.parent_path());
  const fs::path link = beside(file);
  const fs::path target = blob.lexically_relative(file.parent_path());
  ::unlink(link.c_str());
  if (::symlink(target.c_str(), link.c_str()) != 0) {
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS) {
      throw disk_error(file, "the link cannot be made", errno);
    }
    copy_into_snapshot(blob, file);
    return;
  }
  move_into_place(link, file);
}

void copy_into_snapshot(const fs::path& blob, const fs::path& file) {
  make_folders(file.parent_path());
  const fs::path copy = beside(file);
  std::error_code error;
  fs::copy_file(blob, copy, fs::copy_options::overwrite_existing, error);
  if (error) {
    ::unlink(copy.c_str());
    throw disk_error(file, "the copy cannot be made", error.value());
  }
  move_into_place(copy, file);
}

void write_ref(const fs::path& repository, const std::string& revision, const std::string& commit) {
  if (revision == commit) return;
  constexpr std::uint64_t kLongest = 1024;
  const fs::path file = repository / "refs" / revision;
  std::error_code ignored;
  if (fs::is_regular_file(file, ignored) && read_file(file, kLongest) == commit) return;
  make_folders(file.parent_path());
  write_file(file, commit);
}

}  // namespace patchbay::hub
