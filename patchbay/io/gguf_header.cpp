// The rules of a GGUF header around its metadata: counts, alignment, tensors and where they lie.
#include "patchbay/io/gguf_header.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "patchbay/io/elements.h"
#include "patchbay/io/json_writer.h"

namespace patchbay {
namespace {

constexpr std::uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr std::uint32_t kMaxAxes = 4;
constexpr std::uint64_t kMaxNameBytes = 64;  // the format's limit
constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint64_t kMinAlignment = 8;
constexpr std::uint64_t kMaxAlignment = 65536;
// The least that an entry takes: a length, one character, a type, one byte; a length, one
// character, the number of axes, one axis, a type, an offset.
constexpr std::uint64_t kMinValueBytes = 8 + 1 + 4 + 1;
constexpr std::uint64_t kMinTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;
// No model comes near. An entry of a hostile file costs more memory than its bytes.
constexpr std::uint64_t kMaxEntries = std::uint64_t{1} << 17;
constexpr std::string_view kConvert = "use a file that a current converter made";

std::uint32_t read_version(GgufCursor& cursor) {
  const std::uint64_t size = cursor.remaining();
  if (size < 24) {
    throw cursor.broken(
        fmt::format("the file is {} bytes long, but its first 24 bytes are the magic number, "
                    "version and counts,",
                    size),
        0);
  }
  if (const auto magic = cursor.get<std::uint32_t>("the magic number"); magic != kMagic) {
    throw cursor.broken(fmt::format("the file begins with 0x{:08x}, not with \"GGUF\",", magic), 0,
                        "is it a GGUF file?");
  }
  const auto version = cursor.get<std::uint32_t>("the version");
  if ((version & 0xFFFF) == 0 && version != 0) {
    throw cursor.broken("the file is big endian, which is not supported,", 4,
                        "convert it on or for a little-endian machine");
  }
  if (version != 2 && version != 3) {
    throw cursor.broken(
        fmt::format("the file has the version {}, but 2 and 3 are supported,", version), 4,
        kConvert);
  }
  return version;
}

std::uint64_t read_count(GgufCursor& cursor, std::string_view of, std::uint64_t least) {
  const std::uint64_t offset = cursor.offset();
  const auto count = cursor.get<std::uint64_t>(fmt::format("the number of {}", of));
  if (count > cursor.remaining() / least) {
    throw cursor.broken(fmt::format("the file promises {} {} of at least {} bytes, but only {} "
                                    "bytes follow",
                                    count, of, least, cursor.remaining()),
                        offset);
  }
  if (count > kMaxEntries) {
    throw cursor.broken(
        fmt::format("the file promises {} {}, more than the {} allowed,", count, of, kMaxEntries),
        offset);
  }
  return count;
}

std::uint64_t read_alignment(const GgufMetadata& metadata) {
  const GgufValue* value = metadata.find("general.alignment");
  if (value == nullptr) return kDefaultAlignment;
  if (value->is_array() || value->type() != GgufValueType::kUint32) {
    throw value->error(fmt::format("has the type {}, but must be UINT32", value->type_label()));
  }
  const std::uint64_t alignment = value->as_uint();
  if (!std::has_single_bit(alignment) || alignment < kMinAlignment || alignment > kMaxAlignment) {
    throw value->error(fmt::format("is {}, but must be a power of two from {} to {}", alignment,
                                   kMinAlignment, kMaxAlignment));
  }
  return alignment;
}

// `offset` is at most the length of a file, so nothing wraps.
std::uint64_t aligned(std::uint64_t offset, std::uint64_t alignment) {
  return (offset + alignment - 1) / alignment * alignment;
}

// One tensor's entry while it is read; fields lie one after the other.
struct Entry {
  GgufCursor& cursor;
  std::string label;  // `tensor "x"`

  [[nodiscard]] Error broken(
      std::string_view what, std::uint64_t offset,
      std::string_view advice = "the file is damaged, fetch it again") const {
    return cursor.broken(fmt::format("{} {}", label, what), offset, advice);
  }
};

std::vector<std::int64_t> read_shape(const Entry& entry) {
  const std::uint64_t offset = entry.cursor.offset();
  const auto axes = entry.cursor.get<std::uint32_t>("the number of axes of " + entry.label);
  if (axes < 1 || axes > kMaxAxes) {
    throw entry.broken(fmt::format("has {} axes, but must have 1 to {},", axes, kMaxAxes), offset);
  }
  std::vector<std::int64_t> shape(axes);
  for (std::size_t i = 0; i < axes; ++i) {
    const std::uint64_t at = entry.cursor.offset();
    const auto extent = entry.cursor.get<std::uint64_t>("an axis of " + entry.label);
    if (extent < 1 || !std::in_range<std::int64_t>(extent)) {
      throw entry.broken(
          fmt::format("has an axis of {} elements, but must have 1 to 2^63 - 1,", extent), at);
    }
    shape[axes - 1 - i] = static_cast<std::int64_t>(extent);  // the fastest axis comes first
  }
  if (!element_count(shape, sizeof(double))) {
    throw entry.broken(
        fmt::format("has the shape [{}], whose size overflows,", fmt::join(shape, ", ")), offset);
  }
  return shape;
}

const GgmlTypeInfo& read_type(const Entry& entry, std::int64_t row) {
  const std::uint64_t offset = entry.cursor.offset();
  const auto number = entry.cursor.get<std::uint32_t>("the type of " + entry.label);
  const GgmlTypeInfo* info = find_ggml_type(number);
  if (info == nullptr) {
    throw entry.broken(
        fmt::format("has the type {}, which is not supported,", ggml_type_label(number)), offset,
        "convert it to F16 or Q8_0");
  }
  if (row % info->block_elements != 0) {
    throw entry.broken(fmt::format("has rows of {} elements, but {} has blocks of {},", row,
                                   info->name, info->block_elements),
                       offset);
  }
  return *info;
}

// `reached` is where the data before it ends, counted from the start of all data.
GgufTensor read_tensor(GgufCursor& cursor, std::uint64_t number, std::uint64_t alignment,
                       std::uint64_t reached) {
  std::string name =
      read_gguf_name(cursor, kMaxNameBytes, fmt::format("the name of tensor {}", number));
  const Entry entry{cursor, "tensor " + json_quoted(name)};
  std::vector<std::int64_t> shape = read_shape(entry);
  const GgmlTypeInfo& info = read_type(entry, shape.back());
  const auto count = static_cast<std::uint64_t>(*element_count(shape, sizeof(double)));
  const std::uint64_t bytes = count / info.block_elements * info.block_bytes;
  const std::uint64_t at = cursor.offset();
  const auto begin = cursor.get<std::uint64_t>("the offset of " + entry.label);
  if (begin % alignment != 0) {
    throw entry.broken(
        fmt::format("has the offset {}, which is not a multiple of the alignment {},", begin,
                    alignment),
        at);
  }
  if (const std::uint64_t expected = aligned(reached, alignment); begin != expected) {
    throw entry.broken(
        fmt::format("has the offset {}, but the data before it ends at {} and is "
                    "padded to {}: {}",
                    begin, reached, expected, begin < reached ? "an overlap" : "a gap"),
        at);
  }
  const std::uint64_t file_size = cursor.file().size();
  if (begin > file_size || bytes > file_size - begin) {
    throw entry.broken(
        fmt::format("has {} bytes from the offset {} on, but the whole file has only {},", bytes,
                    begin, file_size),
        at);
  }
  return {std::move(name), info.type, std::move(shape), begin, begin + bytes};
}

void check_file_end(const GgufCursor& cursor, const GgufHeader& header, std::uint64_t alignment) {
  const std::uint64_t size = cursor.file().size();
  // Without tensors nothing is padded: files that hold only a vocabulary end with the header.
  const std::uint64_t end =
      header.tensors.empty() ? cursor.offset() : header.data_start + header.tensors.back().end;
  if (end > size) {
    throw cursor.broken(fmt::format("tensor {} ends at byte {}, but the file ends",
                                    json_quoted(header.tensors.back().name), end),
                        size);
  }
  if (size > aligned(end, alignment)) {
    throw cursor.broken(fmt::format("{} bytes follow the last tensor, which ends", size - end),
                        end);
  }
}

}  // namespace

GgufHeader read_gguf_header(const InputFile& file) {
  GgufCursor cursor(file);
  GgufHeader header{};
  header.version = read_version(cursor);
  const std::uint64_t n_tensors = read_count(cursor, "tensors", kMinTensorBytes);
  const std::uint64_t n_values = read_count(cursor, "metadata entries", kMinValueBytes);
  header.metadata = read_gguf_metadata(cursor, n_values);
  const std::uint64_t alignment = read_alignment(header.metadata);
  std::uint64_t reached = 0;
  for (std::uint64_t i = 0; i < n_tensors; ++i) {
    const std::uint64_t offset = cursor.offset();
    GgufTensor tensor = read_tensor(cursor, i, alignment, reached);
    reached = tensor.end;
    if (!header.index.emplace(tensor.name, header.tensors.size()).second) {
      throw cursor.broken(
          fmt::format("tensor {} appears twice, the second time", json_quoted(tensor.name)),
          offset);
    }
    header.tensors.push_back(std::move(tensor));
  }
  header.data_start = aligned(cursor.offset(), alignment);
  check_file_end(cursor, header, alignment);
  return header;
}

}  // namespace patchbay
