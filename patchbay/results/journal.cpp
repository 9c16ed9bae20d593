// The journal's file: a start that names the run, then one record a cell, each sealed by a
// checksum.
//
//   start:  "patchbay journal 1\n", u64 key bytes, key, u64 checksum
//   record: u64 cell, u64 values, the values as 64-bit floats, u64 checksum
//
// All little-endian. A checksum covers everything from the start of the file up to it, earlier
// checksums too, so that records neither move nor come from another file.
#include "patchbay/results/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>

#include "patchbay/base/error.h"
#include "patchbay/io/file.h"

namespace patchbay {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers are stored as they lie in memory");

constexpr std::string_view kMagic = "patchbay journal 1\n";
constexpr std::uint64_t kMaxBytes = std::uint64_t{4} << 30;
constexpr std::size_t kWord = sizeof(std::uint64_t);

// FNV-1a (Fowler, Noll and Vo): every step is a bijection of the state, so one changed byte always
// changes the result.
std::uint64_t checksum_of(std::string_view bytes, std::uint64_t state) {
  for (const char c : bytes) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return state;
}
constexpr std::uint64_t kFirstState = 0xCBF29CE484222325U;

void put(std::string& out, std::uint64_t value) {
  out.append(reinterpret_cast<const char*>(&value), kWord);
}

// Takes numbers and bytes from the front; nothing is taken that is not there.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] std::size_t offset() const { return offset_; }
  std::optional<std::uint64_t> word() {
    const auto bytes = take(kWord);
    if (!bytes) return std::nullopt;
    std::uint64_t value;
    std::memcpy(&value, bytes->data(), kWord);
    return value;
  }
  std::optional<std::string_view> take(std::uint64_t count) {
    if (count > bytes_.size() - offset_) return std::nullopt;
    const auto taken = bytes_.substr(offset_, static_cast<std::size_t>(count));
    offset_ += taken.size();
    return taken;
  }

 private:
  std::string_view bytes_;
  std::size_t offset_ = 0;
};

Error disk_error(const std::filesystem::path& path, ErrorKind kind, std::string_view what,
                 int error_number) {
  return {kind, "journal",
          fmt::format("{}: {}: {}; free some space or write elsewhere", path.string(), what,
                      std::error_code(error_number, std::generic_category()).message())};
}

// Whether the name still belongs to the open file: the run before may have removed it meanwhile.
bool is_named(int descriptor, const std::filesystem::path& path) {
  struct stat open {};
  struct stat named {};
  return fstat(descriptor, &open) == 0 && stat(path.c_str(), &named) == 0 &&
         open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

// The file, opened and locked.
int open_locked(const std::filesystem::path& path) {
  while (true) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
    if (descriptor < 0 && errno == EINTR) continue;
    if (descriptor < 0) {
      throw disk_error(path, ErrorKind::kCannotCreate, "the journal cannot be opened", errno);
    }
    const int done = ::flock(descriptor, LOCK_EX | LOCK_NB);
    const int error_number = errno;
    if (done != 0 && error_number == EWOULDBLOCK) {
      ::close(descriptor);
      throw Error(ErrorKind::kUsage, "journal",
                  fmt::format("{}: another run is writing here; wait for it or name another output",
                              path.string()));
    }
    // A disk without locks cannot protect anybody; the checksums still tell damage.
    if (is_named(descriptor, path)) return descriptor;
    ::close(descriptor);
  }
}

std::string start_of(std::string_view key) {
  std::string start(kMagic);
  put(start, key.size());
  start += key;
  put(start, checksum_of(start, kFirstState));
  return start;
}

// The records that are whole, and where they end.
struct Records {
  std::map<std::int64_t, std::vector<double>> cells;
  std::uint64_t checksum;
  std::size_t size;
};

// Of the bytes from `size` on, up to which the checksum is `checksum`.
Records records_of(std::string_view bytes, std::size_t size, std::uint64_t checksum) {
  Records records{{}, checksum, size};
  for (Cursor cursor(bytes.substr(size));;) {
    const auto cell = cursor.word();
    const auto count = cursor.word();
    if (!cell || !count || *count > bytes.size() / sizeof(double)) return records;
    const auto values = cursor.take(*count * sizeof(double));
    if (!values) return records;
    const std::string_view record =
        bytes.substr(records.size, size + cursor.offset() - records.size);
    const std::uint64_t sealed = checksum_of(record, records.checksum);
    const auto stored = cursor.word();
    if (!stored || *stored != sealed) return records;
    std::vector<double> numbers(static_cast<std::size_t>(*count));
    if (!numbers.empty()) std::memcpy(numbers.data(), values->data(), values->size());
    records.cells.insert_or_assign(static_cast<std::int64_t>(*cell), std::move(numbers));
    records.checksum = checksum_of(bytes.substr(records.size + record.size(), kWord), sealed);
    records.size += record.size() + kWord;
  }
}

}  // namespace

Journal::Journal(const std::filesystem::path& path, std::string_view key, const Shard& shard)
    : path_(path), shard_(shard), descriptor_(open_locked(path)) {
  try {
    const std::string bytes = read_file(path, kMaxBytes);
    // A file that ends within the first line may be ours; any other beginning is somebody's file.
    if (!bytes.starts_with(kMagic) && !kMagic.starts_with(bytes)) {
      throw Error(ErrorKind::kUsage, "journal",
                  fmt::format("{}: is no journal of a run; move it away or name another output",
                              path.string()));
    }
    load(bytes, key);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

Journal::~Journal() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

// Takes over what is whole and of this run, and leaves the file ending there.
void Journal::load(std::string_view bytes, std::string_view key) {
  const std::string start = start_of(key);
  checksum_ = checksum_of(start, kFirstState);
  if (!bytes.starts_with(start)) {
    cut(0);
    write(start);
    return;
  }
  Records records = records_of(bytes, start.size(), checksum_);
  cells_ = std::move(records.cells);
  checksum_ = records.checksum;
  size_ = records.size;
  if (size_ < bytes.size()) cut(size_);
}

JournalContent read_journal(const std::filesystem::path& path) {
  const std::string bytes = read_file(path, kMaxBytes);
  Cursor cursor(bytes);
  const auto magic = cursor.take(kMagic.size());
  const auto length = cursor.word();
  const auto key = length ? cursor.take(*length) : std::nullopt;
  if (magic != kMagic || !key || !bytes.starts_with(start_of(*key))) {
    throw Error(
        ErrorKind::kBadData, "journal",
        fmt::format("{}: is no journal of a run; its shard has to run again", path.string()));
  }
  const std::string start = start_of(*key);
  return {std::string(*key),
          records_of(bytes, start.size(), checksum_of(start, kFirstState)).cells};
}

std::optional<std::span<const double>> Journal::find(std::int64_t cell) const {
  static constexpr double kElsewhere = std::numeric_limits<double>::quiet_NaN();
  const auto found = cells_.find(cell);
  if (found != cells_.end()) return found->second;
  if (!shard_.has(cell)) return std::span(&kElsewhere, 1);
  return std::nullopt;
}

void Journal::append(std::int64_t cell, std::span<const double> values) {
  PATCHBAY_ASSERT(descriptor_ >= 0 && !cells_.contains(cell));
  std::string record;
  put(record, static_cast<std::uint64_t>(cell));
  put(record, values.size());
  record.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  put(record, checksum_of(record, checksum_));
  write(record);
  checksum_ = checksum_of(record, checksum_);
  cells_[cell].assign(values.begin(), values.end());
}

void Journal::remove() {
  PATCHBAY_ASSERT(descriptor_ >= 0);
  // Still locked, so nobody else's journal goes; whoever opened the file before sees no name.
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT) {
    throw disk_error(path_, ErrorKind::kInputOutput, "the journal cannot be removed", errno);
  }
  ::close(std::exchange(descriptor_, -1));
}

// Writes at the end of the part that is believed, or leaves the file as it was.
void Journal::write(std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done,
                                   static_cast<off_t>(size_ + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int error_number = errno;
      // Whether or not this succeeds: what is left of the record has no checksum.
      if (::ftruncate(descriptor_, static_cast<off_t>(size_)) != 0) errno = error_number;
      throw disk_error(path_, ErrorKind::kInputOutput, "writing a finished row", error_number);
    }
    done += static_cast<std::size_t>(count);
  }
  size_ += bytes.size();
}

void Journal::cut(std::uint64_t size) {
  while (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) {
    if (errno == EINTR) continue;
    throw disk_error(path_, ErrorKind::kInputOutput, "cutting off what is not of this run", errno);
  }
  size_ = size;
}

std::optional<double> JournalPart::find(std::int64_t cell) const {
  if (journal_ == nullptr) return std::nullopt;
  const auto values = journal_->find(first_ + cell);
  return values ? std::optional(values->front()) : std::nullopt;
}

void JournalPart::append(std::int64_t cell, double value) const {
  if (journal_ != nullptr) journal_->append(first_ + cell, {&value, 1});
}

}  // namespace patchbay
