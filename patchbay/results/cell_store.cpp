// The store's file: a start that names its scope, then one record a cell, each sealed by a
// checksum.
//
//   start:  "patchbay cells 1\n", u64 scope bytes, scope, u64 checksum
//   record: u64 and u64 of the key, the value as a 64-bit float, u64 checksum
//
// All little-endian. A checksum covers everything from the start of the file up to it, earlier
// checksums too, so that records neither move nor come from another file.
#include "patchbay/results/cell_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "patchbay/base/error.h"
#include "patchbay/io/file.h"

namespace patchbay {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers are stored as they lie in memory");

constexpr std::string_view kMagic = "patchbay cells 1\n";
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
  return {kind, "finished values",
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
      throw disk_error(path, ErrorKind::kCannotCreate,
                       "the file of finished values cannot be opened", errno);
    }
    const int done = ::flock(descriptor, LOCK_EX | LOCK_NB);
    const int error_number = errno;
    if (done != 0 && error_number == EWOULDBLOCK) {
      ::close(descriptor);
      throw Error(ErrorKind::kUsage, "finished values",
                  fmt::format("{}: another run is writing here; wait for it or name another output",
                              path.string()));
    }
    // A disk without locks cannot protect anybody; the checksums still tell damage.
    if (is_named(descriptor, path)) return descriptor;
    ::close(descriptor);
  }
}

std::string start_of(std::string_view scope) {
  std::string start(kMagic);
  put(start, scope.size());
  start += scope;
  put(start, checksum_of(start, kFirstState));
  return start;
}

// The scope that a file names; nothing where its start is damaged.
std::optional<std::string_view> scope_of(std::string_view bytes) {
  Cursor cursor(bytes);
  const auto magic = cursor.take(std::min(kMagic.size(), bytes.size()));
  const auto length = cursor.word();
  const auto scope = length ? cursor.take(*length) : std::nullopt;
  if (magic != kMagic || !scope || !bytes.starts_with(start_of(*scope))) return std::nullopt;
  return scope;
}

constexpr std::size_t kSealed = sizeof(CellKey) + sizeof(double);  // of a record, by its checksum
constexpr std::size_t kRecord = kSealed + kWord;

// Of the bytes from `at` on, up to which the checksum is `checksum`: hands on the cells of the
// records that are whole, and gives where these end.
struct Believed {
  std::size_t end;
  std::uint64_t checksum;
};

Believed read_records(std::string_view bytes, std::size_t at, std::uint64_t checksum,
                      CellStore::Cells& cells) {
  for (; bytes.size() - at >= kRecord; at += kRecord) {
    const std::string_view record = bytes.substr(at, kRecord);
    const std::uint64_t sealed = checksum_of(record.substr(0, kSealed), checksum);
    std::uint64_t stored;
    std::memcpy(&stored, record.data() + kSealed, kWord);
    if (stored != sealed) break;
    CellKey key;
    double value;
    std::memcpy(&key, record.data(), sizeof(key));
    std::memcpy(&value, record.data() + sizeof(key), sizeof(value));
    cells.insert_or_assign(key, value);
    checksum = checksum_of(record.substr(kSealed), sealed);
  }
  return {at, checksum};
}

}  // namespace

CellStore::CellStore(const std::filesystem::path& path, std::string_view scope, OtherScope other)
    : path_(path), descriptor_(open_locked(path)) {
  try {
    const std::string bytes = read_file(path, kMaxBytes);
    // A file that ends within the first line may be ours; any other beginning is somebody's file.
    if (!bytes.starts_with(kMagic) && !kMagic.starts_with(bytes)) {
      throw Error(ErrorKind::kUsage, "finished values",
                  fmt::format("{}: is not a file of a run's finished values; move it away or name "
                              "another output",
                              path.string()));
    }
    load(bytes, scope, other);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

CellStore::~CellStore() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

// Takes over what is whole and of this scope, and leaves the file ending there.
void CellStore::load(std::string_view bytes, std::string_view scope, OtherScope other) {
  const std::string start = start_of(scope);
  checksum_ = checksum_of(start, kFirstState);
  if (!bytes.starts_with(start)) {
    if (other == OtherScope::kRefuse && scope_of(bytes)) {
      throw Error(ErrorKind::kUsage, "finished values",
                  fmt::format("{}: is of another run; finish that one, or name another output",
                              path_.string()));
    }
    cut(0);
    write(start);
    return;
  }
  const Believed file = read_records(bytes, start.size(), checksum_, cells_);
  checksum_ = file.checksum;
  size_ = file.end;
  if (size_ < bytes.size()) cut(size_);
}

CellStore::Content CellStore::read(const std::filesystem::path& path) {
  const std::string bytes = read_file(path, kMaxBytes);
  const auto scope = scope_of(bytes);
  if (!scope) {
    throw Error(ErrorKind::kBadData, "finished values",
                fmt::format("{}: is not a file of a run's finished values; its shard has to run "
                            "again",
                            path.string()));
  }
  const std::string start = start_of(*scope);
  Content content{std::string(*scope), {}};
  (void)read_records(bytes, start.size(), checksum_of(start, kFirstState), content.cells);
  return content;
}

std::optional<double> CellStore::find(const CellKey& key) const {
  const auto found = cells_.find(key);
  if (found == cells_.end()) return std::nullopt;
  return found->second;
}

void CellStore::add(const CellKey& key, double value) {
  if (cells_.contains(key)) return;
  if (descriptor_ >= 0) {
    std::string record;
    put(record, key.low);
    put(record, key.high);
    put(record, std::bit_cast<std::uint64_t>(value));
    const std::uint64_t sealed = checksum_of(record, checksum_);
    put(record, sealed);
    write(record);
    checksum_ = checksum_of(std::string_view(record).substr(kSealed), sealed);
  }
  cells_.emplace(key, value);
}

void CellStore::remove() {
  PATCHBAY_ASSERT(descriptor_ >= 0);
  // Still locked, so nobody else's file goes; whoever opened the file before sees no name.
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT) {
    throw disk_error(path_, ErrorKind::kInputOutput,
                     "the file of finished values cannot be removed", errno);
  }
  ::close(std::exchange(descriptor_, -1));
}

// Writes at the end of the part that is believed, or leaves the file as it was.
void CellStore::write(std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done,
                                   static_cast<off_t>(size_ + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int error_number = errno;
      // Whether or not this succeeds: what is left of the record has no checksum.
      if (::ftruncate(descriptor_, static_cast<off_t>(size_)) != 0) errno = error_number;
      throw disk_error(path_, ErrorKind::kInputOutput, "writing a finished value", error_number);
    }
    done += static_cast<std::size_t>(count);
  }
  size_ += bytes.size();
}

void CellStore::cut(std::uint64_t size) {
  while (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) {
    if (errno == EINTR) continue;
    throw disk_error(path_, ErrorKind::kInputOutput, "cutting off what is not of this run", errno);
  }
  size_ = size;
}

}  // namespace patchbay
