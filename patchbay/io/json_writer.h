// JSON as the library writes it: the same values always give the same bytes.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace patchbay {

/// Shortest decimals that read back as the same number of the same type: 0.1f is `0.1`. Minus zero
/// is
/// `-0.0`. Infinities and NaN, which JSON cannot say, are `null`.
std::string json_number(float value);
std::string json_number(double value);
/// A string in quotes. Valid UTF-8 passes through; quotes, backslashes and control characters are
/// escaped; each byte that is not part of valid UTF-8 becomes \ufffd.
std::string json_quoted(std::string_view text);
/// Whether every byte of a text is part of valid UTF-8.
bool is_utf8(std::string_view text);

enum class JsonLayout {
  kLines,   ///< one element a line, one space of indentation a level
  kInline,  ///< on one line, "[1, 2]": for rows of numbers inside a kLines text
  kCompact  ///< no white space
};

/// Writes one JSON text front to back: `writer.begin_object().key("n").value(3).end_object()`.
/// Throws kUsage for calls that do not make one JSON value: a member without its key, a key that is
/// not in an object or has no value, an end without its begin, a text taken before its end.
class JsonWriter {
 public:
  explicit JsonWriter(JsonLayout layout = JsonLayout::kLines) : layout_(layout) {}

  JsonWriter& begin_object() { return begin('{', layout_now()); }
  JsonWriter& begin_array() { return begin('[', layout_now()); }
  /// Arrays and objects inside an inline one are inline too.
  JsonWriter& begin_object(JsonLayout layout) { return begin('{', layout); }
  JsonWriter& begin_array(JsonLayout layout) { return begin('[', layout); }
  JsonWriter& end_object() { return end('}'); }
  JsonWriter& end_array() { return end(']'); }
  JsonWriter& key(std::string_view name);

  // Templates, so that neither a pointer becomes a bool nor an int a double.
  template <typename T>
  requires std::is_arithmetic_v<T> JsonWriter& value(T number) {
    if constexpr (std::same_as<T, bool>) {
      return raw(number ? "true" : "false");
    } else if constexpr (std::integral<T>) {
      return raw(std::to_string(number));
    } else {
      return raw(json_number(number));
    }
  }
  JsonWriter& value(std::string_view text) { return raw(json_quoted(text)); }
  JsonWriter& null() { return raw("null"); }
  /// null where there is nothing.
  template <typename T>
  JsonWriter& value(const std::optional<T>& content) {
    return content ? value(*content) : null();
  }
  /// Text that is one JSON value already.
  JsonWriter& raw(std::string_view json);
  /// key(name) and value(content) in one.
  template <typename T>
  JsonWriter& member(std::string_view name, const T& content) {
    return key(name).value(content);
  }
  /// null for an empty text.
  JsonWriter& text_or_null(std::string_view name, std::string_view text) {
    return text.empty() ? key(name).null() : member(name, text);
  }
  /// key(name) and an array of such values on one line.
  template <std::ranges::input_range Values>
  JsonWriter& row(std::string_view name, const Values& values) {
    key(name).begin_array(JsonLayout::kInline);
    for (const auto& one : values) value(one);
    return end_array();
  }

  /// The finished text; kLines texts end in a newline. The writer is empty afterwards.
  std::string take();

 private:
  struct Level {
    JsonLayout layout;
    char bracket;  // that ends it
    bool empty = true;
  };
  [[nodiscard]] JsonLayout layout_now() const {
    return levels_.empty() ? layout_ : levels_.back().layout;
  }
  JsonWriter& begin(char bracket, JsonLayout layout);
  JsonWriter& end(char bracket);
  void separate(bool is_key);
  void new_line();

  JsonLayout layout_;
  std::string text_;
  std::vector<Level> levels_;
  bool after_key_ = false;
};

}  // namespace patchbay
