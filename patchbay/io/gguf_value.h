// The metadata of a GGUF file: keys with typed values, whose errors name file and key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "patchbay/base/error.h"

namespace patchbay {

/// The types of values, by their numbers in the file.
enum class GgufValueType : std::uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

/// "UINT8"
std::string_view gguf_value_type_name(GgufValueType type);
/// Bytes of a number or a bool; 0 for strings and arrays.
std::size_t gguf_value_size(GgufValueType type);

/// One key with its value: a bool, a number, a string, or an array of one of these. An accessor
/// throws kBadData, naming the file, the key and the byte, when the value is of another kind.
class GgufValue {
 public:
  /// Where a value is, for messages.
  struct Place {
    std::shared_ptr<const std::string> file;
    std::string key;
    std::uint64_t offset = 0;  ///< where the value's type is in the file
  };
  /// What a value is made of: `type` is the elements' if it is an array. Strings are in `strings`,
  /// everything else is in `bytes` as in the file; a single value is an array of one.
  struct Content {
    GgufValueType type = GgufValueType::kUint8;
    bool is_array = false;
    std::vector<std::byte> bytes;
    std::vector<std::string> strings;
  };
  GgufValue(Place place, Content content)
      : place_(std::move(place)), content_(std::move(content)) {}

  [[nodiscard]] const std::string& key() const { return place_.key; }
  /// The type of the value, or of the elements of an array.
  [[nodiscard]] GgufValueType type() const { return content_.type; }
  [[nodiscard]] bool is_array() const { return content_.is_array; }
  [[nodiscard]] bool is_string() const { return !is_array() && type() == GgufValueType::kString; }
  /// The number of elements; 1 for a single value.
  [[nodiscard]] std::size_t size() const;
  /// "STRING", "array of INT32"
  [[nodiscard]] std::string type_label() const;

  [[nodiscard]] bool as_bool() const;
  /// A value of any integer type, which must not be negative.
  [[nodiscard]] std::uint64_t as_uint() const;
  /// A value of any integer type, which must be below 2^63.
  [[nodiscard]] std::int64_t as_int() const;
  /// A FLOAT32 (exactly) or a FLOAT64. Integers are refused.
  [[nodiscard]] double as_float() const;
  /// The bytes of a string; UTF-8 in well-made files.
  [[nodiscard]] const std::string& as_string() const;

  /// The elements of arrays of the same kinds.
  [[nodiscard]] std::vector<bool> as_bools() const;
  [[nodiscard]] std::vector<std::uint64_t> as_uints() const;
  [[nodiscard]] std::vector<std::int64_t> as_ints() const;
  [[nodiscard]] std::vector<double> as_floats() const;
  [[nodiscard]] std::span<const std::string> as_strings() const;

  /// A kBadData error about this value, for rules that the caller checks:
  /// `FILE: the metadata "key" WHAT, at byte OFFSET; …`.
  [[nodiscard]] Error error(std::string_view what) const;

 private:
  void expect(bool array, bool fits, std::string_view wanted) const;

  Place place_;
  Content content_;
};

/// All metadata of a file, in its order.
class GgufMetadata {
 public:
  GgufMetadata() = default;
  /// No metadata yet; `file` is for messages.
  explicit GgufMetadata(std::string file) : file_(std::move(file)) {}

  [[nodiscard]] std::span<const GgufValue> values() const { return values_; }
  /// The value of a key, or nullptr.
  [[nodiscard]] const GgufValue* find(std::string_view key) const;
  /// The value of a key. Throws kBadData, with the nearest key, when there is none.
  [[nodiscard]] const GgufValue& at(std::string_view key) const;
  /// Adds a value; false, and nothing is added, when the key is there already.
  bool add(GgufValue value);

 private:
  std::string file_;
  std::vector<GgufValue> values_;
  std::map<std::string, std::size_t, std::less<>> index_;  // key → place in values_
};

}  // namespace patchbay
