// A table of a study file, read key by key; every complaint names file, line and key.
#pragma once

#define TOML_HEADER_ONLY 1
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"

namespace patchbay {

// Keys that nobody has read at the end are unknown.
class Section {
 public:
  Section(std::string_view where, std::string name, const toml::table& table)
      : where_(where), name_(std::move(name)), table_(table) {}

  [[noreturn]] void fail(const toml::node& at, const std::string& what) const {
    throw Error(ErrorKind::kBadConfig, "study",
                fmt::format("{}, line {}: {}", where_, at.source().begin.line, what));
  }

  std::string text(const char* key, bool required) {
    const toml::node* node = take(key, required);
    if (node == nullptr) return {};
    if (const auto value = node->value_exact<std::string>()) return *value;
    fail(*node, fmt::format("\"{}\" must be a text in quotes", key));
  }
  std::int64_t integer(const char* key, std::int64_t fallback) {
    const toml::node* node = take(key, false);
    if (node == nullptr) return fallback;
    const auto value = node->value_exact<std::int64_t>();
    if (value && *value >= 0) return *value;
    fail(*node, fmt::format("\"{}\" must be a whole number, 0 or more", key));
  }
  std::optional<bool> flag(const char* key) {
    const toml::node* node = take(key, false);
    if (node == nullptr) return std::nullopt;
    if (const auto value = node->value_exact<bool>()) return value;
    fail(*node, fmt::format("\"{}\" must be true or false", key));
  }
  const toml::node* take(const char* key, bool required) {
    known_.emplace_back(key);
    const toml::node* node = table_.get(key);
    if (node == nullptr && required) {
      fail(table_, fmt::format("{} has no \"{}\"", name_, key));
    }
    return node;
  }
  void refuse_others() const {
    for (const auto& [key, node] : table_) {
      const std::string name(key.str());
      if (std::ranges::find(known_, name) != known_.end()) continue;
      fail(node, fmt::format("{} has no key \"{}\"{}", name_, name, did_you_mean(name, known_)));
    }
  }
  [[nodiscard]] const toml::table& table() const { return table_; }

 private:
  std::string_view where_;
  std::string name_;
  const toml::table& table_;
  std::vector<std::string> known_;
};

// A list of texts; one text is a list of one.
inline std::vector<std::string> texts_of(const Section& section, std::string_view key,
                                         const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return {*text};
  std::vector<std::string> texts;
  if (const toml::array* list = node.as_array()) {
    for (const toml::node& item : *list) {
      const auto text = item.value_exact<std::string>();
      if (!text) section.fail(item, fmt::format("\"{}\" must be a list of texts", key));
      texts.push_back(*text);
    }
    return texts;
  }
  section.fail(node, fmt::format("\"{}\" must be a list of texts", key));
}

// A value as the command line would give it: lists with commas.
inline std::string as_text(const Section& section, std::string_view key, const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<std::int64_t>()) return std::to_string(*number);
  if (const auto number = node.value_exact<double>()) return fmt::format("{}", *number);
  if (const auto flag = node.value_exact<bool>()) return *flag ? "true" : "false";
  const toml::array* list = node.as_array();
  if (list == nullptr) {
    section.fail(node, fmt::format("\"{}\" must be a text, a number, true, false or a list", key));
  }
  std::string text;
  for (const toml::node& item : *list) {
    if (item.is_array() || item.is_table()) {
      section.fail(item, fmt::format("\"{}\" must be a list of texts or numbers", key));
    }
    text += (text.empty() ? "" : ",") + as_text(section, key, item);
  }
  return text;
}

inline double number_of(const Section& section, std::string_view key, const toml::node& node) {
  const auto whole = node.value_exact<std::int64_t>();
  const auto value = whole ? static_cast<double>(*whole) : node.value_exact<double>();
  if (value && std::isfinite(*value)) return *value;
  section.fail(node, fmt::format("\"{}\" must be a number", key));
}

}  // namespace patchbay
