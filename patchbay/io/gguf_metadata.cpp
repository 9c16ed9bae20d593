// The rules of keys and values in a GGUF header.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "patchbay/io/gguf_header.h"
#include "patchbay/io/json_writer.h"

namespace patchbay {
namespace {

constexpr std::uint64_t kMaxKeyBytes = 65535;  // the format's limit
constexpr std::uint64_t kMinStringBytes = 8;   // the length of an empty one
constexpr std::string_view kConvert = "use a file that a current converter made";

GgufValueType read_type(GgufCursor& cursor, const std::string& label, std::string_view part) {
  const std::uint64_t offset = cursor.offset();
  const auto number = cursor.get<std::uint32_t>(fmt::format("the {} of {}", part, label));
  if (number > static_cast<std::uint32_t>(GgufValueType::kFloat64)) {
    throw cursor.broken(fmt::format("{} has the unknown {} {}", label, part, number), offset);
  }
  return static_cast<GgufValueType>(number);
}

// Strings of an array cost memory beyond their bytes, which `count` may not run up.
std::vector<std::string> read_strings(GgufCursor& cursor, std::uint64_t count,
                                      const std::string& label) {
  std::vector<std::string> strings;
  strings.reserve(static_cast<std::size_t>(count));
  const std::string what = "a string of " + label;
  for (std::uint64_t i = 0; i < count; ++i) {
    strings.push_back(cursor.get_string(GgufCursor::kMaxHeaderBytes, what));
  }
  return strings;
}

void check_bools(const GgufCursor& cursor, const std::vector<std::byte>& bytes,
                 const std::string& label) {
  const auto bad = std::ranges::find_if(bytes, [](std::byte byte) { return byte > std::byte{1}; });
  if (bad == bytes.end()) return;
  const std::uint64_t start = cursor.offset() - bytes.size();
  throw cursor.broken(
      fmt::format("{} has the bool {}, but a bool is 0 or 1", label, std::to_integer<int>(*bad)),
      start + static_cast<std::uint64_t>(bad - bytes.begin()));
}

std::uint64_t read_array_length(GgufCursor& cursor, GgufValueType type, const std::string& label) {
  const std::uint64_t offset = cursor.offset();
  const auto count = cursor.get<std::uint64_t>("the length of " + label);
  const bool strings = type == GgufValueType::kString;
  const std::uint64_t least = strings ? kMinStringBytes : gguf_value_size(type);
  const std::uint64_t room =
      std::min(cursor.remaining(), GgufCursor::kMaxHeaderBytes -
                                       std::min(cursor.offset(), GgufCursor::kMaxHeaderBytes));
  if (count > room / least) {
    throw cursor.broken(
        fmt::format("{} has {} elements of at least {} bytes, but only {} bytes {}", label, count,
                    least, room, room == cursor.remaining() ? "follow" : "are allowed"),
        offset);
  }
  return count;
}

GgufValue::Content read_content(GgufCursor& cursor, const std::string& label) {
  GgufValue::Content content;
  content.type = read_type(cursor, label, "type");
  content.is_array = content.type == GgufValueType::kArray;
  std::uint64_t count = 1;
  if (content.is_array) {
    const std::uint64_t offset = cursor.offset();
    content.type = read_type(cursor, label, "element type");
    if (content.type == GgufValueType::kArray) {
      throw cursor.broken(label + " is an array of arrays, which is not supported", offset,
                          kConvert);
    }
    count = read_array_length(cursor, content.type, label);
  }
  if (content.type == GgufValueType::kString) {
    content.strings = read_strings(cursor, count, label);
  } else {
    content.bytes = cursor.get_bytes(count * gguf_value_size(content.type), label);
    if (content.type == GgufValueType::kBool) check_bools(cursor, content.bytes, label);
  }
  return content;
}

}  // namespace

std::string read_gguf_name(GgufCursor& cursor, std::uint64_t max_bytes, std::string_view what) {
  const std::uint64_t offset = cursor.offset();
  std::string name = cursor.get_string(max_bytes, what);
  if (name.empty()) throw cursor.broken(fmt::format("{} is empty", what), offset);
  if (!is_utf8(name)) throw cursor.broken(fmt::format("{} is not UTF-8", what), offset);
  return name;
}

GgufMetadata read_gguf_metadata(GgufCursor& cursor, std::uint64_t count) {
  GgufMetadata metadata(cursor.file().path());
  const auto file = std::make_shared<const std::string>(cursor.file().path());
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t offset = cursor.offset();
    std::string key =
        read_gguf_name(cursor, kMaxKeyBytes, fmt::format("the key of metadata entry {}", i));
    const std::string label = "the metadata " + json_quoted(key);
    const std::uint64_t value_offset = cursor.offset();
    GgufValue value({file, std::move(key), value_offset}, read_content(cursor, label));
    if (!metadata.add(std::move(value))) {
      throw cursor.broken(label + " appears twice, the second time", offset);
    }
  }
  return metadata;
}

}  // namespace patchbay
