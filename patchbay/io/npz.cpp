// The .npz format: a zip archive of .npy files.
#include <fmt/format.h>

#include <array>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/io/npy.h"
#include "patchbay/io/npy_format.h"

namespace patchbay {
namespace {

constexpr std::string_view kSuffix = ".npy";

std::string entry_name(const std::string& path, std::string_view name) {
  if (name.empty()) {
    throw Error(ErrorKind::kUsage, "npz",
                fmt::format("{}: an array to write has an empty name; give it one", path));
  }
  return fmt::format("{}{}", name, kSuffix);
}

}  // namespace

NpzFile NpzFile::open(const std::filesystem::path& path) {
  NpzFile result(InputFile::open(path));
  result.entries_ = read_zip_directory(result.file_);
  for (const ZipEntry& entry : result.entries_) {
    if (entry.name.ends_with(kSuffix)) continue;
    throw Error(ErrorKind::kBadData, "npz",
                fmt::format("{}: the entry {} at byte {} is not a .npy file; save the archive with "
                            "numpy.savez",
                            result.path(), json_quoted(entry.name), entry.offset));
  }
  return result;
}

std::vector<std::string> NpzFile::names() const {
  std::vector<std::string> names;
  for (const ZipEntry& entry : entries_) {
    names.push_back(entry.name.substr(0, entry.name.size() - kSuffix.size()));
  }
  return names;
}

NpyArray NpzFile::read(std::string_view name) const {
  const std::string wanted = std::string(name) + std::string(kSuffix);
  for (const ZipEntry& entry : entries_) {
    if (entry.name != wanted) continue;
    check_zip_entry(file_, entry);
    return read_npy_range({file_, entry.offset, entry.size,
                           fmt::format("{}: entry {}", path(), json_quoted(entry.name))});
  }
  throw Error(ErrorKind::kBadData, "npz",
              fmt::format("{}: the array {} is missing{}", path(), json_quoted(name),
                          did_you_mean(name, names())));
}

void NpzWriter::add(std::string_view name, ConstTensorView view) {
  const std::string header = npy_header("<f4", view.shape().extents());
  const std::array parts = {std::as_bytes(std::span<const char>(header)),
                            std::as_bytes(view.flat())};
  zip_.add(entry_name(path_, name), parts);
}

void NpzWriter::add_values(std::string_view name, std::string_view descr,
                           std::span<const std::int64_t> shape, std::size_t count,
                           std::span<const std::byte> values) {
  check_npy_shape(fmt::format("{}: array {}", path_, json_quoted(name)), shape, count);
  const std::string header = npy_header(descr, shape);
  const std::array parts = {std::as_bytes(std::span<const char>(header)), values};
  zip_.add(entry_name(path_, name), parts);
}

void NpzWriter::add(std::string_view name, std::span<const std::int64_t> shape,
                    std::span<const std::int64_t> values) {
  add_values(name, "<i8", shape, values.size(), std::as_bytes(values));
}

void NpzWriter::add(std::string_view name, std::span<const std::int64_t> shape,
                    std::span<const double> values) {
  add_values(name, "<f8", shape, values.size(), std::as_bytes(values));
}

}  // namespace patchbay
