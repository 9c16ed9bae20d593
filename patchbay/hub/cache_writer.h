// The Hugging Face cache, written: locks, blobs, links and refs as huggingface_hub makes them, so
// that either program finds what the other fetched.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "patchbay/base/error.h"
#include "patchbay/base/run_context.h"

namespace patchbay::hub {

/// "[hub] PATH: WHAT: no space left on the disk; …": kCannotCreate where nothing may be written,
/// else kInputOutput.
Error disk_error(const std::filesystem::path& path, std::string_view what, int error_number);

/// Makes the folder and those above it. Throws kCannotCreate or kInputOutput.
void make_folders(const std::filesystem::path& folder);

/// Bytes that an ordinary user may still write to the disk of the folder, or of the nearest one
/// above it that is there.
std::uint64_t free_space(const std::filesystem::path& folder);

/// The exclusive lock on one blob: CACHE/.locks/models--ORG--NAME/ETAG.lock, held by flock as the
/// filelock package does, and gone with the process.
class BlobLock {
 public:
  /// Waits until no other process has it; calls `waiting`, which may be empty, once when one does.
  /// Throws kInterrupted, and as make_folders does.
  BlobLock(const RunContext& ctx, const std::filesystem::path& file,
           const std::function<void()>& waiting);
  BlobLock(const BlobLock&) = delete;
  BlobLock& operator=(const BlobLock&) = delete;
  ~BlobLock();

 private:
  int descriptor_ = -1;
};

/// A blob that is being downloaded, BLOB.incomplete: it grows at its end, and stays when a download
/// stops, to be continued.
class PartialFile {
 public:
  /// Throws kCannotCreate or kInputOutput, as every method.
  explicit PartialFile(const std::filesystem::path& blob);
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;
  ~PartialFile();

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  void append(std::span<const std::byte> bytes);
  void clear();
  /// Waits until the bytes are on the disk and gives the file its blob's name. Call it once, last.
  void commit();

 private:
  std::filesystem::path blob_;
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// Makes snapshots/COMMIT/FILE a relative link to the blob, in place of what has that name.
/// A file system without links gets a copy.
void place_in_snapshot(const std::filesystem::path& blob, const std::filesystem::path& file);
/// The copy that place_in_snapshot makes where links are impossible.
void copy_into_snapshot(const std::filesystem::path& blob, const std::filesystem::path& file);

/// Has refs/REVISION name the commit, unless it does already or the revision is the commit.
void write_ref(const std::filesystem::path& repository, const std::string& revision,
               const std::string& commit);

}  // namespace patchbay::hub
