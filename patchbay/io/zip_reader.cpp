// Reading zip archives: the directory at the end says what there is, and is checked against the
// rest.
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <optional>
#include <set>

#include "patchbay/base/error.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/io/zip.h"
#include "patchbay/io/zip_records.h"

namespace patchbay {
namespace {

constexpr std::uint64_t kMaxDirectoryBytes = std::uint64_t{64} << 20;
constexpr std::uint64_t kMaxComment = 0xFFFF;

Error broken(const InputFile& file, std::string_view what, std::uint64_t offset) {
  return {ErrorKind::kBadData, "zip",
          fmt::format("{}: {} at byte {}; the file is damaged, fetch or save it again", file.path(),
                      what, offset)};
}

std::string read_text(const InputFile& file, std::uint64_t offset, std::uint64_t size) {
  std::string text(static_cast<std::size_t>(size), '\0');
  file.read_at(offset, std::as_writable_bytes(std::span(text)));
  return text;
}

struct Directory {
  std::uint64_t count;
  std::uint64_t size;
  std::uint64_t start;
  std::uint64_t end;  // where the record after it stands
};

// The ZIP64 record before the end record at `end`, when there is one.
std::optional<Directory> find_directory64(const InputFile& file, std::uint64_t end) {
  if (end < zip::kEnd64Size + zip::kEnd64LocatorSize) return std::nullopt;
  const std::string locator = read_text(file, end - zip::kEnd64LocatorSize, zip::kEnd64LocatorSize);
  if (zip::get<std::uint32_t>(locator, 0) != zip::kEnd64Locator) return std::nullopt;
  const auto place = zip::get<std::uint64_t>(locator, 8);
  if (place > end - zip::kEnd64LocatorSize - zip::kEnd64Size) {
    throw broken(file, "the ZIP64 locator points outside the file", end - zip::kEnd64LocatorSize);
  }
  const std::string record = read_text(file, place, zip::kEnd64Size);
  if (zip::get<std::uint32_t>(record, 0) != zip::kEnd64) {
    throw broken(file, "there is no ZIP64 end record", place);
  }
  return Directory{zip::get<std::uint64_t>(record, 32), zip::get<std::uint64_t>(record, 40),
                   zip::get<std::uint64_t>(record, 48), place};
}

Directory find_directory(const InputFile& file) {
  const std::uint64_t tail_size = std::min(file.size(), zip::kEndSize + kMaxComment);
  const std::uint64_t tail_start = file.size() - tail_size;
  const std::string tail = read_text(file, tail_start, tail_size);
  // From the back: a comment may follow the record, and must then reach to the end of the file.
  const std::size_t places = tail.size() < zip::kEndSize ? 0 : tail.size() - zip::kEndSize + 1;
  for (std::size_t at = places; at-- > 0;) {
    if (zip::get<std::uint32_t>(tail, at) != zip::kEnd) continue;
    if (at + zip::kEndSize + zip::get<std::uint16_t>(tail, at + 20) != tail.size()) continue;
    const std::uint64_t end = tail_start + at;
    Directory directory{zip::get<std::uint16_t>(tail, at + 10),
                        zip::get<std::uint32_t>(tail, at + 12),
                        zip::get<std::uint32_t>(tail, at + 16), end};
    if (const auto directory64 = find_directory64(file, end)) directory = *directory64;
    if (directory.start > directory.end || directory.size != directory.end - directory.start) {
      throw broken(
          file,
          fmt::format("the end record gives a directory of {} bytes from byte {} on, which "
                      "does not end where the record starts,",
                      directory.size, directory.start),
          end);
    }
    return directory;
  }
  throw broken(file, "no zip end record; the file is cut short or no zip archive, it ends",
               file.size());
}

// A directory entry while it is read: the entry, its local header and the size of its record.
struct Record {
  ZipEntry entry;
  std::uint64_t header_offset;
  std::size_t size;
};

// Replaces what the record could not hold in 32 bits by the numbers in its ZIP64 extra field.
void read_extra64(std::string_view extra, Record& record, std::uint64_t& stored_size) {
  while (extra.size() >= 4) {
    const auto id = zip::get<std::uint16_t>(extra, 0);
    const auto length = zip::get<std::uint16_t>(extra, 2);
    extra.remove_prefix(4);
    std::string_view field = extra.substr(0, length);
    extra.remove_prefix(field.size());
    if (id != zip::kExtra64) continue;
    for (std::uint64_t* number : {&record.entry.size, &stored_size, &record.header_offset}) {
      if (*number != zip::kSeeExtra64 || field.size() < sizeof(std::uint64_t)) continue;
      *number = zip::get<std::uint64_t>(field, 0);
      field.remove_prefix(sizeof(std::uint64_t));
    }
    return;
  }
}

Record read_record(const InputFile& file, std::string_view rest, std::uint64_t offset) {
  if (rest.size() < zip::kDirectoryEntrySize ||
      zip::get<std::uint32_t>(rest, 0) != zip::kDirectoryEntry) {
    throw broken(file, "there is no directory entry", offset);
  }
  const auto flags = zip::get<std::uint16_t>(rest, 8);
  const auto method = zip::get<std::uint16_t>(rest, 10);
  std::uint64_t stored_size = zip::get<std::uint32_t>(rest, 20);
  const std::size_t name_size = zip::get<std::uint16_t>(rest, 28);
  const std::size_t extra_size = zip::get<std::uint16_t>(rest, 30);
  const std::size_t comment_size = zip::get<std::uint16_t>(rest, 32);
  Record record{{"", 0, zip::get<std::uint32_t>(rest, 24), zip::get<std::uint32_t>(rest, 16)},
                zip::get<std::uint32_t>(rest, 42),
                zip::kDirectoryEntrySize + name_size + extra_size + comment_size};
  if (record.size > rest.size()) throw broken(file, "a directory entry is cut short", offset);
  record.entry.name = rest.substr(zip::kDirectoryEntrySize, name_size);
  read_extra64(rest.substr(zip::kDirectoryEntrySize + name_size, extra_size), record, stored_size);

  const auto refuse = [&](std::string_view what) {
    return Error(ErrorKind::kBadData, "zip",
                 fmt::format("{}: the entry {} {} (directory entry at byte {})", file.path(),
                             json_quoted(record.entry.name), what, offset));
  };
  if ((flags & zip::kEncrypted) != 0) throw refuse("is encrypted; save it without a password");
  if (method != 0) {
    throw refuse("is compressed; save it with np.savez, not np.savez_compressed");
  }
  if (stored_size != record.entry.size) {
    throw refuse(
        fmt::format("is stored as it is, yet its sizes differ: {} and {}; the file is "
                    "damaged, fetch or save it again",
                    stored_size, record.entry.size));
  }
  return record;
}

// Finds the entry's bytes behind its local header, which must agree with the directory.
void locate(const InputFile& file, Record& record, std::uint64_t directory_start) {
  const std::uint64_t at = record.header_offset;
  const std::string quoted = json_quoted(record.entry.name);
  if (at > directory_start || directory_start - at < zip::kLocalHeaderSize) {
    throw broken(file, fmt::format("the entry {} starts outside the data,", quoted), at);
  }
  const std::string header = read_text(file, at, zip::kLocalHeaderSize);
  if (zip::get<std::uint32_t>(header, 0) != zip::kLocalHeader) {
    throw broken(file, fmt::format("the entry {} has no local header", quoted), at);
  }
  const std::uint64_t name_size = zip::get<std::uint16_t>(header, 26);
  const std::uint64_t extra_size = zip::get<std::uint16_t>(header, 28);
  const std::uint64_t data = at + zip::kLocalHeaderSize + name_size + extra_size;
  if (data > directory_start || record.entry.size > directory_start - data) {
    throw broken(
        file,
        fmt::format("the entry {} has {} bytes, which reach into the directory, its header is",
                    quoted, record.entry.size),
        at);
  }
  if (read_text(file, at + zip::kLocalHeaderSize, name_size) != record.entry.name) {
    throw broken(file, fmt::format("the entry {} has another name in its local header", quoted),
                 at);
  }
  record.entry.offset = data;
}

void check_disjoint(const InputFile& file, std::vector<Record> records) {
  std::sort(records.begin(), records.end(),
            [](const Record& a, const Record& b) { return a.header_offset < b.header_offset; });
  for (std::size_t i = 1; i < records.size(); ++i) {
    const ZipEntry& before = records[i - 1].entry;
    if (before.offset + before.size > records[i].header_offset) {
      throw broken(file,
                   fmt::format("the entries {} and {} overlap", json_quoted(before.name),
                               json_quoted(records[i].entry.name)),
                   records[i].header_offset);
    }
  }
}

}  // namespace

std::vector<ZipEntry> read_zip_directory(const InputFile& file) {
  const Directory directory = find_directory(file);
  if (directory.size > kMaxDirectoryBytes) {
    throw broken(file,
                 fmt::format("a directory of {} bytes, more than the {} that are read,",
                             directory.size, kMaxDirectoryBytes),
                 directory.start);
  }
  const std::string bytes = read_text(file, directory.start, directory.size);
  std::string_view rest = bytes;
  std::vector<Record> records;
  std::set<std::string_view> names;
  while (!rest.empty()) {
    const std::uint64_t offset = directory.start + bytes.size() - rest.size();
    records.push_back(read_record(file, rest, offset));
    locate(file, records.back(), directory.start);
    rest.remove_prefix(records.back().size);
  }
  for (const Record& record : records) {
    if (!names.insert(record.entry.name).second) {
      throw broken(file,
                   fmt::format("two entries are called {}, again", json_quoted(record.entry.name)),
                   record.header_offset);
    }
  }
  if (records.size() != directory.count) {
    throw broken(file,
                 fmt::format("the directory has {} entries instead of {}, it is", records.size(),
                             directory.count),
                 directory.start);
  }
  check_disjoint(file, records);
  std::vector<ZipEntry> entries;
  for (Record& record : records) entries.push_back(std::move(record.entry));
  return entries;
}

void check_zip_entry(const InputFile& file, const ZipEntry& entry) {
  constexpr std::uint64_t kPiece = std::uint64_t{1} << 20;
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min(kPiece, entry.size)));
  uLong crc = ::crc32(0, nullptr, 0);
  for (std::uint64_t done = 0; done < entry.size; done += kPiece) {
    const auto piece =
        std::span(buffer).first(static_cast<std::size_t>(std::min(kPiece, entry.size - done)));
    file.read_at(entry.offset + done, piece);
    crc = ::crc32_z(crc, reinterpret_cast<const Bytef*>(piece.data()), piece.size());
  }
  if (crc != entry.crc32) {
    throw broken(
        file,
        fmt::format("the entry {} has the checksum {:08x} instead of {:08x}, its bytes are",
                    json_quoted(entry.name), crc, entry.crc32),
        entry.offset);
  }
}

}  // namespace patchbay
