// The rules of the safetensors format, in the order in which a file can break them.
#include "patchbay/io/safetensors_header.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "patchbay/base/error.h"
#include "patchbay/io/json.h"
#include "patchbay/io/json_writer.h"

namespace patchbay {
namespace {

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's limit

Error broken(const InputFile& file, std::string_view what) {
  return {ErrorKind::kBadData, "safetensors",
          fmt::format("{}: {}; the file is damaged, fetch it again", file.path(), what)};
}

struct HeaderText {
  std::string json;  // without its padding
  std::uint64_t data_start;
};

HeaderText read_header_text(const InputFile& file) {
  if (file.size() < kLengthBytes) {
    throw broken(file,
                 fmt::format("is {} bytes long, but its first 8 bytes are the header's length",
                             file.size()));
  }
  std::uint64_t length = 0;
  file.read_at(0, std::as_writable_bytes(std::span(&length, 1)));
  if (length > kMaxHeaderBytes) {
    throw broken(file, fmt::format("byte 0 gives a header of {} bytes, more than the {} allowed",
                                   length, kMaxHeaderBytes));
  }
  if (length > file.size() - kLengthBytes) {
    throw broken(file, fmt::format("byte 0 gives a header of {} bytes, but only {} follow", length,
                                   file.size() - kLengthBytes));
  }
  std::string text(static_cast<std::size_t>(length), '\0');
  file.read_at(kLengthBytes, std::as_writable_bytes(std::span(text)));
  if (!text.starts_with('{')) throw broken(file, "the header at byte 8 does not start with '{'");
  const auto last = text.find_last_not_of(' ');
  if (text[last] != '}') {
    throw broken(file, fmt::format("the header does not end with '}}' and spaces, but with byte "
                                   "0x{:02x} at byte {}",
                                   static_cast<unsigned char>(text[last]), kLengthBytes + last));
  }
  text.resize(last + 1);
  return {std::move(text), kLengthBytes + length};
}

// One header entry: its place and name, for messages.
struct Entry {
  const InputFile& file;
  std::size_t number;  // from 0, __metadata__ included
  const JsonMember& member;

  [[nodiscard]] Error error(std::string_view what) const {
    return broken(
        file, fmt::format("tensor {} {} (header entry {})", json_quoted(member.key), what, number));
  }
};

Dtype read_dtype(const Entry& entry, const JsonValue& value) {
  if (!value.is_string()) throw entry.error("has a dtype that is not a string");
  const auto dtype = dtype_named(value.as_string());
  if (!dtype) {
    throw entry.error(fmt::format("has the unknown dtype {}", json_quoted(value.as_string())));
  }
  return *dtype;
}

// The axes' extents, or the two offsets: whole numbers that are not negative.
std::vector<std::int64_t> read_sizes(const Entry& entry, const JsonValue& value,
                                     std::string_view key) {
  const auto bad = [&] {
    return entry.error(
        fmt::format("has a {} that is not a list of integers from 0 to 2^63 - 1", key));
  };
  if (!value.is_array()) throw bad();
  std::vector<std::int64_t> sizes;
  for (const JsonValue& item : value.items()) {
    if (item.type() != JsonValue::Type::kInteger || item.as_int() < 0) throw bad();
    sizes.push_back(item.as_int());
  }
  return sizes;
}

TensorInfo read_entry(const Entry& entry, std::uint64_t data_bytes) {
  const JsonValue& fields = entry.member.value;
  if (!fields.is_object()) throw entry.error("is not described by an object");
  for (const JsonMember& field : fields.members()) {
    if (field.key != "dtype" && field.key != "shape" && field.key != "data_offsets") {
      throw entry.error(fmt::format("has the unknown key {}", json_quoted(field.key)));
    }
  }
  for (const std::string_view key : {"dtype", "shape", "data_offsets"}) {
    if (fields.find(key) == nullptr) throw entry.error(fmt::format("has no {}", key));
  }
  const Dtype dtype = read_dtype(entry, fields.at("dtype"));
  auto shape = read_sizes(entry, fields.at("shape"), "shape");
  const auto offsets = read_sizes(entry, fields.at("data_offsets"), "data_offsets");
  if (offsets.size() != 2) {
    throw entry.error(fmt::format("has {} data_offsets instead of 2", offsets.size()));
  }
  const auto begin = static_cast<std::uint64_t>(offsets[0]);
  const auto end = static_cast<std::uint64_t>(offsets[1]);
  if (begin > end) {
    throw entry.error(fmt::format("has offsets [{}, {}), which end before they begin", begin, end));
  }
  if (end > data_bytes) {
    throw entry.error(fmt::format("has offsets [{}, {}), but the file holds {} bytes of data",
                                  begin, end, data_bytes));
  }
  const auto count = element_count(shape, dtype_size(dtype));
  if (!count) {
    throw entry.error(
        fmt::format("has the shape [{}], whose size overflows", fmt::join(shape, ", ")));
  }
  const auto needed = static_cast<std::uint64_t>(*count) * dtype_size(dtype);
  if (needed != end - begin) {
    throw entry.error(fmt::format("has offsets [{}, {}), {} bytes, but {} [{}] needs {}", begin,
                                  end, end - begin, dtype_name(dtype), fmt::join(shape, ", "),
                                  needed));
  }
  return {entry.member.key, dtype, std::move(shape), begin, end};
}

std::map<std::string, std::string> read_metadata(const InputFile& file, const JsonValue& value,
                                                 std::size_t number) {
  std::map<std::string, std::string> metadata;
  const auto bad = [&] {
    return broken(
        file, fmt::format("__metadata__ is not an object of strings (header entry {})", number));
  };
  if (!value.is_object()) throw bad();
  for (const JsonMember& member : value.members()) {
    if (!member.value.is_string()) throw bad();
    metadata.emplace(member.key, member.value.as_string());
  }
  return metadata;
}

// Every byte of data belongs to exactly one tensor.
void check_coverage(const InputFile& file, std::span<const TensorInfo> tensors,
                    std::uint64_t data_start) {
  std::uint64_t reached = 0;
  for (const TensorInfo& tensor : tensors) {
    if (tensor.begin != reached) {
      throw broken(file,
                   fmt::format("tensor {} has offsets [{}, {}), but the data before it ends at "
                               "{}: {} at byte {}",
                               json_quoted(tensor.name), tensor.begin, tensor.end, reached,
                               tensor.begin < reached ? "an overlap" : "a gap",
                               data_start + std::min(reached, tensor.begin)));
    }
    reached = tensor.end;
  }
  if (reached != file.size() - data_start) {
    throw broken(file, fmt::format("the tensors end at byte {}, but the file has {} bytes more",
                                   data_start + reached, file.size() - data_start - reached));
  }
}

}  // namespace

SafetensorsHeader read_safetensors_header(const InputFile& file) {
  const HeaderText text = read_header_text(file);
  SafetensorsHeader header{text.data_start, {}, {}};
  const JsonLimits limits = {.max_bytes = kMaxHeaderBytes,
                             .max_depth = 8,
                             .first_byte = kLengthBytes,
                             .tag = "safetensors"};
  const JsonDocument json = parse_json(text.json, file.path(), limits);
  std::size_t number = 0;
  for (const JsonMember& member : json->members()) {
    if (member.key == "__metadata__") {
      header.metadata = read_metadata(file, member.value, number);
    } else {
      const Entry entry{file, number, member};
      header.tensors.push_back(read_entry(entry, file.size() - header.data_start));
    }
    ++number;
  }
  std::stable_sort(header.tensors.begin(), header.tensors.end(),
                   [](const TensorInfo& a, const TensorInfo& b) {
                     return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
                   });
  check_coverage(file, header.tensors, header.data_start);
  return header;
}

}  // namespace patchbay
