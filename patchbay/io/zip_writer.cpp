// Writing zip archives: each entry's checksum is known before its header is written, so nothing
// seeks.
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

#include "patchbay/base/error.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/io/zip.h"
#include "patchbay/io/zip_records.h"

namespace patchbay {
namespace {

constexpr std::uint16_t kPlainVersion = 20;
constexpr std::uint16_t kZip64Version = 45;
constexpr std::uint16_t kMadeOnUnix = 3 << 8;
constexpr std::uint32_t kOwnerMayReadAndWrite = 0600U << 16;
constexpr std::uint16_t kFirstDay = 1 << 5 | 1;  // 1980-01-01, the earliest date there is
constexpr std::size_t kLongestName = 0xFFFF;

std::uint16_t flags_of(std::string_view name) {
  const bool ascii = std::all_of(name.begin(), name.end(),
                                 [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  return ascii ? 0 : zip::kUtf8Name;
}

// The fields that a local header and a directory entry share, from the version to the name's
// length.
struct SharedFields {
  std::string_view name;
  std::uint64_t size;
  std::uint32_t crc32;
  bool large_size;
  bool zip64;
};

void put_shared(std::string& out, const SharedFields& fields) {
  const auto size = fields.large_size ? zip::kSeeExtra64 : static_cast<std::uint32_t>(fields.size);
  zip::put(out, fields.zip64 ? kZip64Version : kPlainVersion);
  zip::put(out, flags_of(fields.name));
  zip::put(out, std::uint16_t{0});  // stored
  zip::put(out, std::uint16_t{0});  // midnight
  zip::put(out, kFirstDay);
  zip::put(out, fields.crc32);
  zip::put(out, size);  // as stored
  zip::put(out, size);  // as read
  zip::put(out, static_cast<std::uint16_t>(fields.name.size()));
}

std::string extra64(std::span<const std::uint64_t> numbers) {
  std::string out;
  if (numbers.empty()) return out;
  zip::put(out, zip::kExtra64);
  zip::put(out, static_cast<std::uint16_t>(numbers.size() * sizeof(std::uint64_t)));
  for (const std::uint64_t number : numbers) zip::put(out, number);
  return out;
}

}  // namespace

void ZipWriter::add(std::string_view name, std::span<const std::span<const std::byte>> parts) {
  const auto refuse = [&](std::string_view what) {
    return Error(ErrorKind::kUsage, "zip",
                 fmt::format("{}: the entry name {} {}; choose another", file_.path(),
                             json_quoted(name.substr(0, 100)), what));
  };
  if (name.empty()) throw refuse("is empty");
  if (name.size() > kLongestName) throw refuse("... is longer than 65535 bytes");
  if (name.find_first_of(std::string_view("/\\\0", 3)) != std::string_view::npos ||
      name.find("..") != std::string_view::npos) {
    throw refuse("could act as a path");
  }
  if (!names_.emplace(name).second) throw refuse("is used already");

  Written entry{std::string(name), file_.size(), 0, 0};
  uLong crc = ::crc32(0, nullptr, 0);
  for (const auto part : parts) {
    crc = ::crc32_z(crc, reinterpret_cast<const Bytef*>(part.data()), part.size());
    entry.size += part.size();
  }
  entry.crc32 = static_cast<std::uint32_t>(crc);

  const bool large = entry.size >= zip64_from_;
  const std::uint64_t sizes[] = {entry.size, entry.size};
  const std::string extra = large ? extra64(sizes) : "";
  std::string header;
  zip::put(header, zip::kLocalHeader);
  put_shared(header, {name, entry.size, entry.crc32, large, large});
  zip::put(header, static_cast<std::uint16_t>(extra.size()));
  file_.write(header.append(name).append(extra));
  for (const auto part : parts) file_.write(part);
  written_.push_back(std::move(entry));
}

std::string ZipWriter::directory() const {
  std::string out;
  for (const Written& entry : written_) {
    const bool large = entry.size >= zip64_from_;
    const bool far = entry.header_offset >= zip64_from_;
    std::vector<std::uint64_t> numbers;
    if (large) numbers = {entry.size, entry.size};
    if (far) numbers.push_back(entry.header_offset);
    const std::string extra = extra64(numbers);
    const bool zip64 = large || far;
    zip::put(out, zip::kDirectoryEntry);
    zip::put(out,
             static_cast<std::uint16_t>(kMadeOnUnix | (zip64 ? kZip64Version : kPlainVersion)));
    put_shared(out, {entry.name, entry.size, entry.crc32, large, zip64});
    zip::put(out, static_cast<std::uint16_t>(extra.size()));
    zip::put(out, std::uint16_t{0});  // no comment
    zip::put(out, std::uint16_t{0});  // disk 0
    zip::put(out, std::uint16_t{0});  // no internal attributes
    zip::put(out, kOwnerMayReadAndWrite);
    zip::put(out, far ? zip::kSeeExtra64 : static_cast<std::uint32_t>(entry.header_offset));
    out.append(entry.name).append(extra);
  }
  return out;
}

void ZipWriter::close() {
  const std::uint64_t start = file_.size();
  std::string out = directory();
  const std::uint64_t size = out.size();
  const std::uint64_t count = written_.size();
  const bool zip64 = count >= zip::kManyEntries || start >= zip64_from_ || size >= zip64_from_;
  if (zip64) {
    zip::put(out, zip::kEnd64);
    zip::put(out, std::uint64_t{zip::kEnd64Size - 12});  // what follows this field
    zip::put(out, static_cast<std::uint16_t>(kMadeOnUnix | kZip64Version));
    zip::put(out, kZip64Version);
    zip::put(out, std::uint32_t{0});
    zip::put(out, std::uint32_t{0});
    for (const std::uint64_t number : {count, count, size, start}) zip::put(out, number);
    zip::put(out, zip::kEnd64Locator);
    zip::put(out, std::uint32_t{0});
    zip::put(out, start + size);
    zip::put(out, std::uint32_t{1});
  }
  const auto count16 = zip64 ? zip::kManyEntries : static_cast<std::uint16_t>(count);
  zip::put(out, zip::kEnd);
  zip::put(out, std::uint32_t{0});  // disk 0 of 0
  zip::put(out, count16);
  zip::put(out, count16);
  zip::put(out, zip64 ? zip::kSeeExtra64 : static_cast<std::uint32_t>(size));
  zip::put(out, zip64 ? zip::kSeeExtra64 : static_cast<std::uint32_t>(start));
  zip::put(out, std::uint16_t{0});  // no comment
  file_.write(out);
  file_.commit();
}

}  // namespace patchbay
