// The JSON parser: nlohmann's SAX interface, which shows duplicate keys, fills our own values.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "patchbay/io/file.h"
#include "patchbay/io/json.h"
#include "patchbay/io/json_writer.h"

namespace patchbay {
namespace {

// Counts how far the parser has read: SAX events carry no position of their own.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* position, const char** reached)
      : position_(position), reached_(reached) {}
  reference operator*() const { return *position_; }
  CountingIterator& operator++() {
    *reached_ = ++position_;
    return *this;
  }
  bool operator==(const CountingIterator& other) const { return position_ == other.position_; }
  bool operator!=(const CountingIterator& other) const { return position_ != other.position_; }

 private:
  const char* position_;
  const char** reached_;
};

struct Source {
  std::string_view text;
  std::string_view where;
  const JsonLimits& limits;
  const char* reached;

  [[nodiscard]] Error error(std::string_view what, std::size_t offset) const {
    const std::string_view before = text.substr(0, std::min(offset, text.size()));
    return {ErrorKind::kBadData, limits.tag,
            fmt::format("{}: {} at byte {} (line {}); correct the file or fetch it again", where,
                        what, limits.first_byte + offset,
                        1 + std::count(before.begin(), before.end(), '\n'))};
  }
  [[nodiscard]] Error error(std::string_view what) const {
    return error(what, static_cast<std::size_t>(reached - text.data()));
  }
};

// nlohmann's sentence without its prefix and without the bytes last read, which may not be text.
std::string_view plain_reason(std::string_view message) {
  for (const std::string_view mark : {"parse error at line ", "] "}) {
    const auto start = message.find(mark);
    if (start == std::string_view::npos) continue;
    const auto colon = mark == "] " ? start : message.find(": ", start);
    message.remove_prefix(std::min(message.size(), colon + 2));
    break;
  }
  return message.substr(0, message.find("; last read"));
}

}  // namespace

// Receives the parser's events; open arrays and objects wait on a stack until they are complete.
class JsonBuilder {
 public:
  using number_integer_t = std::int64_t;
  using number_unsigned_t = std::uint64_t;
  using number_float_t = double;
  using string_t = std::string;
  using binary_t = nlohmann::json::binary_t;

  explicit JsonBuilder(const Source& source) : source_(source) {}

  bool null() { return add(std::monostate{}); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(std::int64_t value) { return add(value); }
  bool number_unsigned(std::uint64_t value) {
    if (std::in_range<std::int64_t>(value)) return add(static_cast<std::int64_t>(value));
    return add(value);
  }
  bool number_float(double value, const std::string&) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(binary_t&) { return false; }  // not part of JSON texts

  bool start_object(std::size_t) { return open(JsonValue::Object{}); }
  bool start_array(std::size_t) { return open(JsonValue::Array{}); }
  bool key(std::string& name) {
    Frame& frame = stack_.back();
    frame.key_offsets.push_back(source_.reached - source_.text.data());
    frame.key = std::move(name);
    return true;
  }
  bool end_object() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    index_keys(std::get<JsonValue::Object>(frame.value.content_), frame.key_offsets);
    return place(std::move(frame.value));
  }
  bool end_array() {
    JsonValue value = std::move(stack_.back().value);
    stack_.pop_back();
    return place(std::move(value));
  }
  bool parse_error(std::size_t position, const std::string&, const std::exception& failure) {
    // The position counts the byte at fault, from one; at the end of the text there is none.
    const std::size_t offset = position == 0 ? 0 : position - 1;
    throw source_.error(fmt::format("not valid JSON ({})", plain_reason(failure.what())),
                        std::min(offset, source_.text.size()));
  }

  JsonValue root;

 private:
  struct Frame {
    JsonValue value;  // an Array or an Object
    std::string key;  // the key whose value comes next
    std::vector<std::ptrdiff_t> key_offsets;
  };

  template <typename Content>
  bool add(Content content) {
    JsonValue value;
    value.content_ = std::move(content);
    count();
    return place(std::move(value));
  }
  template <typename Content>
  bool open(Content content) {
    if (stack_.size() >= source_.limits.max_depth) {
      throw source_.error(
          fmt::format("arrays and objects nested more than {} deep", source_.limits.max_depth));
    }
    count();
    stack_.emplace_back().value.content_ = std::move(content);
    return true;
  }
  void count() {
    if (++values_ > source_.limits.max_values) {
      throw source_.error(fmt::format("more than {} values", source_.limits.max_values));
    }
  }
  bool place(JsonValue value) {
    if (stack_.empty()) {
      root = std::move(value);
      return true;
    }
    Frame& frame = stack_.back();
    if (auto* array = std::get_if<JsonValue::Array>(&frame.value.content_)) {
      array->push_back(std::move(value));
    } else {
      auto& object = std::get<JsonValue::Object>(frame.value.content_);
      object.members.push_back({std::move(frame.key), std::move(value)});
    }
    return true;
  }
  void index_keys(JsonValue::Object& object, std::span<const std::ptrdiff_t> offsets) const {
    auto& order = object.by_key;
    order.resize(object.members.size());
    std::iota(order.begin(), order.end(), 0U);
    const auto key_of = [&](std::uint32_t i) -> const std::string& {
      return object.members[i].key;
    };
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return key_of(a) < key_of(b); });
    const auto twice = std::adjacent_find(order.begin(), order.end(),
                                          [&](auto a, auto b) { return key_of(a) == key_of(b); });
    if (twice == order.end()) return;
    const auto second = offsets[*(twice + 1)];
    throw source_.error(
        fmt::format("the key {} appears twice in one object, again", json_quoted(key_of(*twice))),
        static_cast<std::size_t>(second));
  }

  const Source& source_;
  std::vector<Frame> stack_;
  std::size_t values_ = 0;
};

JsonDocument parse_json(std::string_view text, std::string_view where, const JsonLimits& limits) {
  Source source{text, where, limits, text.data()};
  if (text.size() > limits.max_bytes) {
    throw source.error(fmt::format("{} bytes of JSON, more than the {} that are read", text.size(),
                                   limits.max_bytes),
                       static_cast<std::size_t>(limits.max_bytes));
  }
  // The parser would skip a byte order mark and take a NUL for the end of the text.
  if (text.starts_with("\xEF\xBB\xBF")) {
    throw source.error("a byte order mark, which JSON does not allow,", 0);
  }
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    throw source.error("not valid JSON (a NUL byte)", nul);
  }
  JsonBuilder builder(source);
  const CountingIterator begin(text.data(), &source.reached);
  const CountingIterator end(text.data() + text.size(), &source.reached);
  nlohmann::json::sax_parse(begin, end, &builder);

  JsonDocument document;
  document.tree_ = std::make_unique<JsonDocument::Tree>();
  document.tree_->origin = {std::string(where), std::string(limits.tag)};
  document.tree_->root = std::move(builder.root);
  document.tree_->root.link(nullptr, &document.tree_->origin);
  return document;
}

JsonDocument read_json_file(const std::filesystem::path& path, const JsonLimits& limits) {
  return parse_json(read_file(path, limits.max_bytes), path.string(), limits);
}

}  // namespace patchbay
