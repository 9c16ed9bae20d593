#include "patchbay/experiments/settings_common.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "patchbay/base/words.h"
#include "patchbay/patching/source.h"

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

namespace {

// Throws FieldError for a field of some sources that is given beside another source, and for
// deviations below 0.
void refuse_meaningless(const std::vector<Field>& fields, const Texts& given) {
  for (const char* deviation : {"sigma", "noise"}) {
    const auto text = given.find(deviation);
    if (text != given.end() && trimmed(text->second).starts_with('-')) {
      throw FieldError(deviation, fmt::format("{} is no standard deviation; give 0 or more",
                                              trimmed(text->second)));
    }
  }
  const auto field = std::ranges::find(fields, "source", &Field::name);
  if (field == fields.end()) return;
  const auto chosen = given.find("source");
  const std::string source =
      chosen == given.end() ? field->fallback : std::string(trimmed(chosen->second));
  const auto refuse = [&](const char* name, const char* sources) {
    throw FieldError(name,
                     fmt::format("means nothing with `source` {}; it is of {}", source, sources));
  };
  const auto is_set = [&](const char* name) {
    const auto text = given.find(name);
    if (text == given.end()) return false;
    const auto known = std::ranges::find(fields, name, &Field::name);
    return known == fields.end() || trimmed(text->second) != known->fallback;
  };
  const bool is_gaussian = source == name_of(SourceKind::kGaussian);
  if (is_set("sigma") && !is_gaussian) refuse("sigma", "gaussian");
  if (is_set("source-seed") && !is_gaussian && source != name_of(SourceKind::kResample)) {
    refuse("source-seed", "sources that draw");
  }
}

}  // namespace

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
  refuse_meaningless(fields, given);
}

}  // namespace patchbay::experiments
