// Numbers by std::to_chars, strings byte by byte, white space by level.
#include "patchbay/io/json_writer.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <utility>

#include "patchbay/base/error.h"

namespace patchbay {
namespace {

template <typename T>
std::string shortest(T value) {
  if (!std::isfinite(value)) return "null";
  // A bare -0 would be read back as the integer 0.
  if (value == 0) return std::signbit(value) ? "-0.0" : "0";
  char buffer[64];
  const auto result = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return {buffer, result.ptr};
}

// The length of the valid UTF-8 sequence at the start of `text`, 0 when there is none.
// Table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing above U+10FFFF.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return length;
}

}  // namespace

std::string json_number(float value) { return shortest(value); }
std::string json_number(double value) { return shortest(value); }

std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const char first = text.front();
    if (length == 0) {
      out += "\\ufffd";
    } else if (first == '"' || first == '\\') {
      (out += '\\') += first;
    } else if (first == '\n') {
      out += "\\n";
    } else if (first == '\t') {
      out += "\\t";
    } else if (first == '\r') {
      out += "\\r";
    } else if (length == 1 && (first < ' ' || first == '\x7f')) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(first));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out += '"';
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

namespace {

[[noreturn]] void fail(std::string_view what) {
  throw Error(ErrorKind::kUsage, "json",
              fmt::format("{}; balance begin and end, and give every member one key", what));
}

}  // namespace

JsonWriter& JsonWriter::key(std::string_view name) {
  if (levels_.empty() || levels_.back().bracket != '}' || after_key_) {
    fail("a key stands where none can");
  }
  separate(true);
  text_ += json_quoted(name);
  text_ += layout_now() == JsonLayout::kCompact ? ":" : ": ";
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate(false);
  text_ += json;
  return *this;
}

std::string JsonWriter::take() {
  if (!levels_.empty() || text_.empty()) fail("the text is taken before it is whole");
  if (layout_ == JsonLayout::kLines) text_ += '\n';
  return std::exchange(text_, {});
}

JsonWriter& JsonWriter::begin(char bracket, JsonLayout layout) {
  separate(false);
  text_ += bracket;
  levels_.push_back({.layout = layout_now() == JsonLayout::kLines ? layout : layout_now(),
                     .bracket = bracket == '{' ? '}' : ']'});
  return *this;
}

JsonWriter& JsonWriter::end(char bracket) {
  if (levels_.empty() || levels_.back().bracket != bracket || after_key_) {
    fail("an end has no begin, or a key no value");
  }
  const Level level = levels_.back();
  levels_.pop_back();
  if (!level.empty && level.layout == JsonLayout::kLines) new_line();
  text_ += bracket;
  return *this;
}

// What stands before the next key, or before the next value that has no key.
void JsonWriter::separate(bool is_key) {
  if (std::exchange(after_key_, false)) return;
  if (levels_.empty()) {
    if (!text_.empty()) fail("a second value follows the first");
    return;
  }
  if (!is_key && levels_.back().bracket == '}') fail("a member of an object has no key");
  Level& level = levels_.back();
  const bool first = std::exchange(level.empty, false);
  if (!first) text_ += ',';
  if (level.layout == JsonLayout::kLines) {
    new_line();
  } else if (level.layout == JsonLayout::kInline && !first) {
    text_ += ' ';
  }
}

void JsonWriter::new_line() {
  text_ += '\n';
  text_.append(levels_.size(), ' ');
}

}  // namespace patchbay
