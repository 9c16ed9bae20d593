// Values are kept as the file's bytes and turned into the caller's type when they are asked for.
#include "patchbay/io/gguf_value.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>

#include "patchbay/base/suggest.h"
#include "patchbay/io/json_writer.h"

namespace patchbay {
namespace {

static_assert(std::endian::native == std::endian::little, "values are copied without swapping");

struct TypeEntry {
  std::string_view name;
  std::size_t size;
};

// In the order of GgufValueType.
constexpr std::array<TypeEntry, 13> kTypes = {{{"UINT8", 1},
                                               {"INT8", 1},
                                               {"UINT16", 2},
                                               {"INT16", 2},
                                               {"UINT32", 4},
                                               {"INT32", 4},
                                               {"FLOAT32", 4},
                                               {"BOOL", 1},
                                               {"STRING", 0},
                                               {"ARRAY", 0},
                                               {"UINT64", 8},
                                               {"INT64", 8},
                                               {"FLOAT64", 8}}};

bool is_integer(GgufValueType type) {
  switch (type) {
    case GgufValueType::kFloat32:
    case GgufValueType::kFloat64:
    case GgufValueType::kBool:
    case GgufValueType::kString:
    case GgufValueType::kArray:
      return false;
    default:
      return true;
  }
}

bool is_float(GgufValueType type) {
  return type == GgufValueType::kFloat32 || type == GgufValueType::kFloat64;
}

template <typename T>
T element(const GgufValue::Content& content, std::size_t i) {
  T value{};
  std::memcpy(&value, content.bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

// The i-th integer as a signed number, or nothing if it is 2^63 or more.
std::optional<std::int64_t> signed_at(const GgufValue::Content& content, std::size_t i) {
  switch (content.type) {
    case GgufValueType::kUint8:
      return element<std::uint8_t>(content, i);
    case GgufValueType::kInt8:
      return element<std::int8_t>(content, i);
    case GgufValueType::kUint16:
      return element<std::uint16_t>(content, i);
    case GgufValueType::kInt16:
      return element<std::int16_t>(content, i);
    case GgufValueType::kUint32:
      return element<std::uint32_t>(content, i);
    case GgufValueType::kInt32:
      return element<std::int32_t>(content, i);
    case GgufValueType::kInt64:
      return element<std::int64_t>(content, i);
    default: {
      const auto value = element<std::uint64_t>(content, i);
      if (value > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
      return static_cast<std::int64_t>(value);
    }
  }
}

double float_at(const GgufValue::Content& content, std::size_t i) {
  return content.type == GgufValueType::kFloat32 ? double{element<float>(content, i)}
                                                 : element<double>(content, i);
}

std::int64_t int_at(const GgufValue& value, const GgufValue::Content& content, std::size_t i) {
  const auto number = signed_at(content, i);
  if (!number) throw value.error("is 2^63 or more, but must be below");
  return *number;
}

std::uint64_t uint_at(const GgufValue& value, const GgufValue::Content& content, std::size_t i) {
  const auto number = signed_at(content, i);
  if (!number) return element<std::uint64_t>(content, i);
  if (*number < 0) throw value.error(fmt::format("is {}, but must not be negative", *number));
  return static_cast<std::uint64_t>(*number);
}

}  // namespace

std::string_view gguf_value_type_name(GgufValueType type) {
  return kTypes[static_cast<std::size_t>(type)].name;
}
std::size_t gguf_value_size(GgufValueType type) {
  return kTypes[static_cast<std::size_t>(type)].size;
}

std::size_t GgufValue::size() const {
  return type() == GgufValueType::kString ? content_.strings.size()
                                          : content_.bytes.size() / gguf_value_size(type());
}

std::string GgufValue::type_label() const {
  return fmt::format("{}{}", is_array() ? "array of " : "", gguf_value_type_name(type()));
}

Error GgufValue::error(std::string_view what) const {
  return {
      ErrorKind::kBadData, "gguf",
      fmt::format("{}: the metadata {} {}, at byte {}; use a file that a current converter made",
                  *place_.file, json_quoted(key()), what, place_.offset)};
}

void GgufValue::expect(bool array, bool fits, std::string_view wanted) const {
  if (array == is_array() && fits) return;
  throw error(fmt::format("has the type {}, but must be {}", type_label(), wanted));
}

bool GgufValue::as_bool() const {
  expect(false, type() == GgufValueType::kBool, "a bool");
  return element<std::uint8_t>(content_, 0) != 0;
}

std::uint64_t GgufValue::as_uint() const {
  expect(false, is_integer(type()), "an integer");
  return uint_at(*this, content_, 0);
}

std::int64_t GgufValue::as_int() const {
  expect(false, is_integer(type()), "an integer");
  return int_at(*this, content_, 0);
}

double GgufValue::as_float() const {
  expect(false, is_float(type()), "a floating-point number");
  return float_at(content_, 0);
}

const std::string& GgufValue::as_string() const {
  expect(false, type() == GgufValueType::kString, "a string");
  return content_.strings.front();
}

std::vector<bool> GgufValue::as_bools() const {
  expect(true, type() == GgufValueType::kBool, "an array of bools");
  std::vector<bool> values(size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = element<std::uint8_t>(content_, i) != 0;
  }
  return values;
}

std::vector<std::uint64_t> GgufValue::as_uints() const {
  expect(true, is_integer(type()), "an array of integers");
  std::vector<std::uint64_t> values(size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = uint_at(*this, content_, i);
  return values;
}

std::vector<std::int64_t> GgufValue::as_ints() const {
  expect(true, is_integer(type()), "an array of integers");
  std::vector<std::int64_t> values(size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = int_at(*this, content_, i);
  return values;
}

std::vector<double> GgufValue::as_floats() const {
  expect(true, is_float(type()), "an array of floating-point numbers");
  std::vector<double> values(size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = float_at(content_, i);
  return values;
}

std::span<const std::string> GgufValue::as_strings() const {
  expect(true, type() == GgufValueType::kString, "an array of strings");
  return content_.strings;
}

const GgufValue* GgufMetadata::find(std::string_view key) const {
  const auto found = index_.find(key);
  return found == index_.end() ? nullptr : &values_[found->second];
}

const GgufValue& GgufMetadata::at(std::string_view key) const {
  if (const GgufValue* value = find(key)) return *value;
  std::vector<std::string> keys;
  for (const GgufValue& value : values_) keys.push_back(value.key());
  const std::string near = did_you_mean(key, keys);
  throw Error(ErrorKind::kBadData, "gguf",
              fmt::format("{}: the metadata {} is missing{}", file_, json_quoted(key),
                          near.empty() ? "; use a file that a current converter made" : near));
}

bool GgufMetadata::add(GgufValue value) {
  if (!index_.emplace(value.key(), values_.size()).second) return false;
  values_.push_back(std::move(value));
  return true;
}

}  // namespace patchbay
