// Zip archives of stored entries, as numpy's .npz files are; ZIP64 where sizes need it.
// The format is PKWARE's APPNOTE.TXT 6.3; the checksum is zlib's crc32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/io/file.h"

namespace patchbay {

/// One stored entry. The name is a label only, it is never used as a path.
struct ZipEntry {
  std::string name;
  std::uint64_t offset;  ///< where its bytes start in the archive
  std::uint64_t size;
  std::uint32_t crc32;
};

/// The entries in the order of the directory. Throws kBadData for damaged archives, overlapping
/// entries, a name used twice, and for entries that are compressed or encrypted.
std::vector<ZipEntry> read_zip_directory(const InputFile& file);

/// Reads the entry once through and throws kBadData when its checksum is not the recorded one.
void check_zip_entry(const InputFile& file, const ZipEntry& entry);

/// Writes an archive front to back, dated 1980-01-01: the same entries give the same bytes.
class ZipWriter {
 public:
  /// Sizes and offsets from `zip64_from` on are written in ZIP64 form; tests set it low.
  explicit ZipWriter(const std::filesystem::path& path, std::uint64_t zip64_from = 0xFFFFFFFF)
      : file_(path), zip64_from_(zip64_from) {}

  /// Adds an entry made of the parts in a row. Throws kUsage for a name that is empty, too long,
  /// used already, or could act as a path where the archive is unpacked; and what AtomicFile
  /// throws.
  void add(std::string_view name, std::span<const std::span<const std::byte>> parts);
  /// Writes the directory and moves the archive into place. Call it once, last.
  void close();

 private:
  struct Written {
    std::string name;
    std::uint64_t header_offset;
    std::uint64_t size;
    std::uint32_t crc32;
  };
  [[nodiscard]] std::string directory() const;

  AtomicFile file_;
  std::uint64_t zip64_from_;
  std::vector<Written> written_;
  std::set<std::string, std::less<>> names_;
};

}  // namespace patchbay
