#include "patchbay/experiments/settings_common.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "patchbay/base/words.h"

namespace patchbay::experiments {

const std::string* FieldReader::given(std::string_view name, const std::string& fallback) const {
  const auto found = given_.find(std::string(name));
  if (found == given_.end()) return nullptr;
  refuse_empty(name, found->second, fallback);
  return &found->second;
}

void refuse_empty(std::string_view field, const std::string& text, const std::string& fallback) {
  if (text == fallback || !trimmed(text).empty()) return;
  throw FieldError(field, fallback.empty()
                              ? "is empty; give it a value or leave it out"
                              : fmt::format("is empty; leave it out for {}", fallback));
}

void refuse_unknown(std::string_view experiment, const std::vector<Field>& fields,
                    const Texts& given) {
  std::vector<std::string> names;
  for (const Field& field : fields) names.push_back(field.name);
  for (const auto& [name, text] : given) {
    if (std::ranges::find(names, name) != names.end()) continue;
    throw Error(ErrorKind::kUsage, experiment,
                fmt::format("there is no option \"{}\"{}; there are {}", name,
                            suggested_field(name, names), fmt::join(names, ", ")));
  }
}

}  // namespace patchbay::experiments
