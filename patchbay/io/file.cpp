// Files by the system's own calls: pread, O_TMPFILE or O_EXCL, fsync, rename.
#include "patchbay/io/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <system_error>
#include <utility>

#include "patchbay/base/error.h"

namespace patchbay {
namespace {

// One call moves at most this much; Linux itself stops a little below 2 GiB.
constexpr std::size_t kLargestTransfer = std::size_t{1} << 30;

std::string reason(int error_number) {
  switch (error_number) {
    case ENOENT:
      return "no such file or folder";
    case EACCES:
    case EPERM:
      return "permission denied";
    case ENOSPC:
    case EDQUOT:
      return "no space left on the disk";
    case EROFS:
      return "the disk is read-only";
    case EFBIG:
      return "the file would exceed the permitted size";
    case EMFILE:
    case ENFILE:
      return "too many open files";
    default:
      return std::error_code(error_number, std::generic_category()).message();
  }
}

std::string advice(int error_number) {
  switch (error_number) {
    case ENOENT:
      return "check the spelling";
    case EACCES:
    case EPERM:
      return "check who may use it";
    case ENOSPC:
    case EDQUOT:
      return "free some space or write elsewhere";
    default:
      return "try again or use another place";
  }
}

Error failure(ErrorKind kind, const std::string& path, std::string_view what, int error_number) {
  return {kind, "file",
          fmt::format("{}: {}: {}; {}", path, what, reason(error_number), advice(error_number))};
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

// The result of a system call that a signal did not cut short.
template <typename Call>
int uninterrupted(const Call& call) {
  int result = 0;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

// The name by which an open file without one can be given one.
std::string path_of(int descriptor) { return fmt::format("/proc/self/fd/{}", descriptor); }

// A new file in a folder that has no name yet, so that not even a killed process leaves it behind;
// -1 where the file system has none.
int open_nameless(const std::filesystem::path& folder) {
  const int descriptor =
      uninterrupted([&] { return ::open(folder.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666); });
  if (descriptor < 0 || ::access(path_of(descriptor).c_str(), F_OK) == 0) return descriptor;
  ::close(descriptor);
  return -1;
}

// The name does not grow with the target's: names of 255 bytes are legal.
std::filesystem::path temporary_name() {
  std::random_device device;
  const auto random = (std::uint64_t{device()} << 32) | device();
  return fmt::format(".patchbay-{:016x}.tmp", random);
}

// What the target may be: nothing yet, a regular file, or a link to one.
std::filesystem::path checked_target(const std::filesystem::path& path) {
  const auto refuse = [&](std::string_view what) {
    return Error(ErrorKind::kCannotCreate, "file", fmt::format("{}: {}", path.string(), what));
  };
  if (!path.has_filename()) throw refuse("cannot create a file without a name; add one");
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::is_directory(status)) {
    throw refuse("cannot create a file, a folder has this name; add a file name");
  }
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw refuse("cannot replace a device or a pipe; name an ordinary file");
  }
  if (std::filesystem::is_symlink(std::filesystem::symlink_status(path, error))) {
    auto followed = std::filesystem::canonical(path, error);
    if (error) throw refuse("cannot write through a link that leads nowhere; remove the link");
    return followed;
  }
  return path;
}

// What Git leaves in the place of a large file until `git lfs` has fetched it.
void refuse_lfs_pointer(const InputFile& file) {
  constexpr std::string_view kBegin = "version https://git-lfs.github.com/spec/";
  constexpr std::uint64_t kLongest = 1024;
  if (file.size() < kBegin.size() || file.size() > kLongest) return;
  std::string begin(kBegin.size(), '\0');
  file.read_at(0, std::as_writable_bytes(std::span(begin)));
  if (begin != kBegin) return;
  throw Error(ErrorKind::kBadData, "file",
              fmt::format("{}: is a Git LFS pointer, which stands for the file and is not it; `git "
                          "lfs pull` in its repository fetches the file",
                          file.path()));
}

}  // namespace

InputFile InputFile::open(const std::filesystem::path& path) {
  // Without O_NONBLOCK, opening a pipe would wait for a writer before it can be refused.
  const int descriptor =
      uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); });
  if (descriptor < 0) throw failure(ErrorKind::kNoInput, path.string(), "cannot be read", errno);
  InputFile file(descriptor, path.string(), 0);
  struct stat status {};
  if (fstat(descriptor, &status) != 0) {
    throw failure(ErrorKind::kNoInput, path.string(), "cannot be examined", errno);
  }
  if (S_ISDIR(status.st_mode)) {
    throw Error(ErrorKind::kNoInput, "file",
                fmt::format("{}: is a folder; name a file in it", path.string()));
  }
  if (!S_ISREG(status.st_mode)) {
    throw Error(
        ErrorKind::kNoInput, "file",
        fmt::format("{}: is a pipe or a device; save its content to a file first", path.string()));
  }
  file.size_ = static_cast<std::uint64_t>(status.st_size);
  refuse_lfs_pointer(file);
  return file;
}

InputFile::InputFile(InputFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      size_(other.size_) {}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  std::swap(size_, other.size_);
  return *this;
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void InputFile::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  if (descriptor_ < 0) {
    throw Error(ErrorKind::kUsage, "file", "this file was moved from; read where it went");
  }
  const std::uint64_t wanted = out.size();
  std::uint64_t position = offset;
  while (!out.empty()) {
    const ssize_t count = ::pread(descriptor_, out.data(), std::min(out.size(), kLargestTransfer),
                                  static_cast<off_t>(position));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      throw failure(ErrorKind::kInputOutput, path_, fmt::format("reading at byte {}", position),
                    errno);
    }
    if (count == 0) {
      throw Error(ErrorKind::kInputOutput, "file",
                  fmt::format("{}: ends at byte {}, but {} bytes from byte {} on were to be read; "
                              "was it changed meanwhile? Fetch it again",
                              path_, position, wanted, offset));
    }
    position += static_cast<std::uint64_t>(count);
    out = out.subspan(static_cast<std::size_t>(count));
  }
}

std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  const InputFile file = InputFile::open(path);
  if (file.size() > max_bytes) {
    throw Error(ErrorKind::kBadData, "file",
                fmt::format("{}: is {} bytes long, at most {} are read; is it the right file?",
                            file.path(), file.size(), max_bytes));
  }
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read_at(0, std::as_writable_bytes(std::span(text)));
  return text;
}

AtomicFile::AtomicFile(const std::filesystem::path& path)
    : path_(path.string()), target_(checked_target(path)) {
  const std::filesystem::path folder = folder_of(target_);
  descriptor_ = open_nameless(folder);
  constexpr int kAttempts = 16;
  for (int attempt = 0; attempt < kAttempts && descriptor_ < 0; ++attempt) {
    temporary_ = folder / temporary_name();
    descriptor_ = uninterrupted(
        [&] { return ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
    if (descriptor_ < 0 && errno != EEXIST) break;
  }
  if (descriptor_ < 0) {
    const int error_number = errno;
    throw failure(ErrorKind::kCannotCreate, path_,
                  fmt::format("cannot create a file in the folder {}", folder.string()),
                  error_number);
  }
}

AtomicFile::~AtomicFile() {
  close_descriptor();
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::close_descriptor() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

void AtomicFile::check_open() const {
  if (descriptor_ >= 0) return;
  throw Error(ErrorKind::kUsage, "file",
              fmt::format("{}: the file is committed already; write and commit before", path_));
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  check_open();
  while (!bytes.empty()) {
    const ssize_t count =
        ::write(descriptor_, bytes.data(), std::min(bytes.size(), kLargestTransfer));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      throw failure(ErrorKind::kInputOutput, path_, fmt::format("writing at byte {}", size_),
                    errno);
    }
    size_ += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void AtomicFile::commit() {
  check_open();
  if (uninterrupted([&] { return ::fsync(descriptor_); }) != 0) {
    throw failure(ErrorKind::kInputOutput, path_, "writing to the disk", errno);
  }
  if (temporary_.empty()) {
    // A name can be given but not taken over, so the file takes its place in two steps.
    const std::filesystem::path name = folder_of(target_) / temporary_name();
    if (uninterrupted([&] {
          return ::linkat(AT_FDCWD, path_of(descriptor_).c_str(), AT_FDCWD, name.c_str(),
                          AT_SYMLINK_FOLLOW);
        }) != 0) {
      throw failure(ErrorKind::kInputOutput, path_, "giving the finished file a name", errno);
    }
    temporary_ = name;
  }
  // Some network disks report a failed write only here.
  if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) {
    throw failure(ErrorKind::kInputOutput, path_, "finishing the file", errno);
  }
  if (uninterrupted([&] { return ::rename(temporary_.c_str(), target_.c_str()); }) != 0) {
    throw failure(ErrorKind::kInputOutput, path_, "moving the finished file into place", errno);
  }
  temporary_.clear();
  // The name itself is on the disk once the folder is. Not every file system can promise that,
  // and the file is complete in any case, so a refusal is no error.
  const int folder = ::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace patchbay
