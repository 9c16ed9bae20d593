#include "patchbay/results/json_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "patchbay/base/suggest.h"
#include "patchbay/io/json_writer.h"

namespace patchbay {

void require_keys(const JsonValue& object, const std::vector<std::string>& keys) {
  for (const JsonMember& member : object.members()) {
    if (std::ranges::find(keys, member.key) != keys.end()) continue;
    throw object.error(fmt::format("has an unknown key {}{}", json_quoted(member.key),
                                   did_you_mean(member.key, keys)));
  }
  for (const std::string& key : keys) (void)object.at(key);
}

void require_format(const JsonValue& root, std::string_view format, std::int64_t version,
                    std::string_view what) {
  const JsonValue* named = root.is_object() ? root.find("format") : nullptr;
  if (named == nullptr || !named->is_string() || named->as_string() != format) {
    throw root.error(fmt::format("has no \"format\": \"{}\", so this is not a {}", format, what));
  }
  const JsonValue& number = root.at("format_version");
  if (number.as_int() != version) {
    throw number.error(
        fmt::format("is {}, but this patchbay reads version {} only", number.as_int(), version));
  }
}

std::vector<std::string> texts_of(const JsonValue& array) {
  std::vector<std::string> result;
  for (const JsonValue& item : array.items()) result.push_back(item.as_string());
  return result;
}

}  // namespace patchbay
