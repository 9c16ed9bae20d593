// What a parsed JSON value gives out, and the errors that name its path.
#include "patchbay/io/json.h"

#include <fmt/format.h>

#include <algorithm>

#include "patchbay/io/json_writer.h"

namespace patchbay {

const JsonValue& JsonDocument::root() const& {
  if (tree_ != nullptr) return tree_->root;
  throw Error(ErrorKind::kUsage, "json",
              "this document holds no text; parse one, and use where it went");
}

void JsonValue::link(const JsonValue* parent, const Origin* origin) {
  parent_ = parent;
  origin_ = origin;
  if (auto* array = std::get_if<Array>(&content_)) {
    for (JsonValue& item : *array) item.link(this, origin);
  } else if (auto* object = std::get_if<Object>(&content_)) {
    for (JsonMember& member : object->members) member.value.link(this, origin);
  }
}

std::string JsonValue::path() const {
  if (parent_ == nullptr) return "";
  std::string path = parent_->path();
  if (parent_->is_array()) return path + fmt::format("[{}]", this - parent_->items().data());
  for (const JsonMember& member : parent_->members()) {
    if (&member.value == this) return path + (path.empty() ? "" : ".") + member.key;
  }
  return path;
}

Error JsonValue::error(std::string_view what) const {
  const std::string place = path();
  if (origin_ == nullptr) {
    return {ErrorKind::kUsage, "json", fmt::format("a value of no document {}; parse one", what)};
  }
  return {ErrorKind::kBadData, origin_->tag,
          fmt::format("{}: {} {}; correct the file", origin_->where,
                      place.empty() ? "the outermost value" : json_quoted(place), what)};
}

Error JsonValue::wrong_type(std::string_view wanted) const {
  constexpr std::string_view kNames[] = {
      "null",     "true or false", "an integer", "a large integer",
      "a number", "a string",      "an array",   "an object"};
  return error(fmt::format("must be {}, but is {}", wanted, kNames[content_.index()]));
}

bool JsonValue::as_bool() const {
  if (const auto* value = std::get_if<bool>(&content_)) return *value;
  throw wrong_type("true or false");
}

std::int64_t JsonValue::as_int() const {
  if (const auto* value = std::get_if<std::int64_t>(&content_)) return *value;
  throw wrong_type("an integer");
}

std::uint64_t JsonValue::as_unsigned() const {
  if (const auto* value = std::get_if<std::uint64_t>(&content_)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&content_); value != nullptr && *value >= 0) {
    return static_cast<std::uint64_t>(*value);
  }
  throw wrong_type("an integer that is not negative");
}

double JsonValue::as_double() const {
  if (const auto* value = std::get_if<double>(&content_)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&content_)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<std::uint64_t>(&content_)) return static_cast<double>(*value);
  throw wrong_type("a number");
}

const std::string& JsonValue::as_string() const {
  if (const auto* value = std::get_if<std::string>(&content_)) return *value;
  throw wrong_type("a string");
}

std::span<const JsonValue> JsonValue::items() const {
  if (const auto* array = std::get_if<Array>(&content_)) return *array;
  throw wrong_type("an array");
}

std::span<const JsonMember> JsonValue::members() const {
  if (const auto* object = std::get_if<Object>(&content_)) return object->members;
  throw wrong_type("an object");
}

const JsonValue* JsonValue::find(std::string_view key) const {
  const auto* object = std::get_if<Object>(&content_);
  if (object == nullptr) throw wrong_type("an object");
  const auto key_of = [&](std::uint32_t i) -> std::string_view { return object->members[i].key; };
  const auto found =
      std::lower_bound(object->by_key.begin(), object->by_key.end(), key,
                       [&](std::uint32_t i, std::string_view k) { return key_of(i) < k; });
  if (found == object->by_key.end() || key_of(*found) != key) return nullptr;
  return &object->members[*found].value;
}

const JsonValue& JsonValue::at(std::string_view key) const {
  if (const JsonValue* value = find(key)) return *value;
  throw error(fmt::format("has no key {}, which is needed", json_quoted(key)));
}

const JsonValue& JsonValue::at(std::size_t index) const {
  const auto all = items();
  if (index < all.size()) return all[index];
  throw error(fmt::format("has {} elements, but element {} is needed", all.size(), index));
}

}  // namespace patchbay
