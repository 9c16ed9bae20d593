// Files as the library reads and writes them: exact reads, and writes that happen whole or not at
// all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace patchbay {

/// A regular file open for reading. Reads name their own position, so one InputFile may be read
/// from several threads. Nothing is mapped: a file cut short by somebody else is an Error, not a
/// signal.
class InputFile {
 public:
  /// Throws kNoInput when the file is not there, may not be read, is a folder, a pipe or a device.
  static InputFile open(const std::filesystem::path& path);

  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&& other) noexcept;
  ~InputFile();

  [[nodiscard]] const std::string& path() const { return path_; }
  /// The size in bytes when the file was opened.
  [[nodiscard]] std::uint64_t size() const { return size_; }

  /// Fills `out` with the bytes from `offset` on. Throws kInputOutput when the file ends earlier or
  /// the system reports a failure, kUsage when this was moved from.
  void read_at(std::uint64_t offset, std::span<std::byte> out) const;

 private:
  InputFile(int descriptor, std::string path, std::uint64_t size)
      : descriptor_(descriptor), path_(std::move(path)), size_(size) {}

  int descriptor_ = -1;
  std::string path_;
  std::uint64_t size_ = 0;
};

/// The whole file. Throws as InputFile does, and kBadData for a file longer than `max_bytes`.
std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes);

/// A file that appears under its name only when it is complete. Bytes go to a file without a name
/// in the same folder, where the file system has those (not even a killed process leaves one), or
/// else to a temporary one; commit() moves it into place, and without commit() nothing stays.
/// A target that is a symbolic link is followed: the file that it names is replaced.
class AtomicFile {
 public:
  /// Throws kCannotCreate when the folder is missing or not writable, or when the target is a
  /// folder or a device.
  explicit AtomicFile(const std::filesystem::path& path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Throws kInputOutput when the bytes cannot be written (no space, a quota), kUsage after
  /// commit().
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  /// The number of bytes written so far: the offset of the next one.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] const std::string& path() const { return path_; }

  /// Waits until the bytes are on the disk and gives the file its name. Call it once, last; throws
  /// kUsage the second time.
  void commit();

 private:
  void check_open() const;
  void close_descriptor() noexcept;

  int descriptor_ = -1;
  std::string path_;  // as the caller wrote it, for messages
  std::filesystem::path target_;
  std::filesystem::path temporary_;  // empty while the file has no name
  std::uint64_t size_ = 0;
};

/// Writes a whole file by way of AtomicFile.
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace patchbay
