// JSON from outside: a strict parser with limits, and values whose errors name file and key.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "patchbay/base/error.h"

namespace patchbay {

/// What a JSON text may cost before it is refused.
struct JsonLimits {
  std::uint64_t max_bytes = std::uint64_t{64} << 20;
  std::size_t max_depth = 64;          ///< arrays and objects inside one another
  std::size_t max_values = 8'000'000;  ///< a value takes some 80 bytes of memory
  std::uint64_t first_byte = 0;        ///< where the text starts in its file, for messages
  std::string_view tag = "json";       ///< the [tag] of error messages
};

class JsonValue;
class JsonDocument;
struct JsonMember;
JsonDocument parse_json(std::string_view text, std::string_view where, const JsonLimits& limits);

/// One immutable value inside a JsonDocument. Every accessor throws kBadData when the value is of
/// another type, naming the file and the path of keys, as in `config.json: "rope.theta" must be …`.
class JsonValue {
 public:
  /// kInteger is any integer in [-2^63, 2^63), kUnsigned one in [2^63, 2^64). All other numbers are
  /// kDouble: `1e3`, `1.0`, and integers beyond 64 bits.
  enum class Type { kNull, kBool, kInteger, kUnsigned, kDouble, kString, kArray, kObject };

  JsonValue() = default;
  JsonValue(JsonValue&&) noexcept = default;
  JsonValue& operator=(JsonValue&&) noexcept = default;

  [[nodiscard]] Type type() const { return static_cast<Type>(content_.index()); }
  [[nodiscard]] bool is_null() const { return type() == Type::kNull; }
  [[nodiscard]] bool is_string() const { return type() == Type::kString; }
  [[nodiscard]] bool is_array() const { return type() == Type::kArray; }
  [[nodiscard]] bool is_object() const { return type() == Type::kObject; }
  [[nodiscard]] bool is_number() const {
    return type() >= Type::kInteger && type() <= Type::kDouble;
  }

  [[nodiscard]] bool as_bool() const;
  /// Numbers written with a point or an exponent are refused even when they are whole.
  [[nodiscard]] std::int64_t as_int() const;
  [[nodiscard]] std::uint64_t as_unsigned() const;
  /// Any number; an integer of more than 53 bits is rounded.
  [[nodiscard]] double as_double() const;
  [[nodiscard]] const std::string& as_string() const;
  /// The elements of an array.
  [[nodiscard]] std::span<const JsonValue> items() const;
  /// The members of an object, in the order of the text.
  [[nodiscard]] std::span<const JsonMember> members() const;

  /// The member `key` of an object, which must be there; the i-th element of an array.
  [[nodiscard]] const JsonValue& at(std::string_view key) const;
  [[nodiscard]] const JsonValue& at(std::size_t index) const;
  /// The member `key` of an object, or nullptr.
  [[nodiscard]] const JsonValue* find(std::string_view key) const;
  /// The member `key`, or `fallback` when it is missing or null. T is bool, an integer type (range
  /// checked), a floating type, or std::string.
  template <typename T>
  [[nodiscard]] T get_or(std::string_view key, T fallback) const {
    static_assert(std::is_arithmetic_v<T> || std::same_as<T, std::string>);
    const JsonValue* value = find(key);
    if (value == nullptr || value->is_null()) return fallback;
    if constexpr (std::same_as<T, bool>) {
      return value->as_bool();
    } else if constexpr (std::unsigned_integral<T>) {
      const std::uint64_t number = value->as_unsigned();
      if (!std::in_range<T>(number)) throw value->error("is out of range");
      return static_cast<T>(number);
    } else if constexpr (std::signed_integral<T>) {
      const std::int64_t number = value->as_int();
      if (!std::in_range<T>(number)) throw value->error("is out of range");
      return static_cast<T>(number);
    } else if constexpr (std::floating_point<T>) {
      return static_cast<T>(value->as_double());
    } else {
      return value->as_string();
    }
  }

  /// The keys and indices that lead here, `model.vocab[3]`; empty for the document's root.
  [[nodiscard]] std::string path() const;
  /// A kBadData error about this value, for rules that the caller checks: `FILE: "path" WHAT`.
  [[nodiscard]] Error error(std::string_view what) const;

 private:
  friend class JsonBuilder;
  friend class JsonDocument;
  friend JsonDocument parse_json(std::string_view, std::string_view, const JsonLimits&);
  struct Object {
    std::vector<JsonMember> members;
    std::vector<std::uint32_t> by_key;  // indices into members, in the order of their keys
  };
  struct Origin {
    std::string where;
    std::string tag;
  };
  using Array = std::vector<JsonValue>;

  void link(const JsonValue* parent, const Origin* origin);
  [[nodiscard]] Error wrong_type(std::string_view wanted) const;

  // In the order of Type.
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Array,
               Object>
      content_;
  // Set once the tree is complete and no longer moves; paths are found by walking up.
  const JsonValue* parent_ = nullptr;
  const Origin* origin_ = nullptr;
};

/// A key and its value.
struct JsonMember {
  std::string key;
  JsonValue value;
};

/// A parsed text: the owner of its values, which stay valid as long as it lives.
class JsonDocument {
 public:
  /// Throws kUsage when the document was moved from or was never parsed.
  [[nodiscard]] const JsonValue& root() const&;
  [[nodiscard]] const JsonValue& root() const&& = delete;
  [[nodiscard]] const JsonValue* operator->() const& { return &root(); }
  [[nodiscard]] const JsonValue* operator->() const&& = delete;

 private:
  friend JsonDocument parse_json(std::string_view, std::string_view, const JsonLimits&);
  struct Tree {
    JsonValue::Origin origin;
    JsonValue root;
  };
  std::unique_ptr<Tree> tree_;
};

/// Parses a whole text; `where` names it in errors, usually a file. Throws kBadData, with the byte
/// offset, for anything that RFC 8259 does not allow, and beyond it for a byte order mark, invalid
/// UTF-8, a key that appears twice in an object, a number beyond the range of double, and what
/// exceeds the limits. `-0` is the integer 0, as in Python.
JsonDocument parse_json(std::string_view text, std::string_view where,
                        const JsonLimits& limits = {});

/// Reads and parses a file. Throws as read_file and parse_json do.
JsonDocument read_json_file(const std::filesystem::path& path, const JsonLimits& limits = {});

}  // namespace patchbay
