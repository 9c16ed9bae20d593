// An experiment's settings: a struct whose `visit` says every field once. What the command line,
// study files, results and help know of it is made from that.
//
//   struct LogitLens {
//     static constexpr std::string_view kName = "logit_lens";
//     static constexpr std::string_view kSummary = "what the model would say if …";
//     const metrics::Metric* metric = &metrics::find("logit_diff");
//     template <class Visitor>
//     void visit(Visitor& v) {
//       v("metric", metric, "what is measured at END");
//     }
//   };
//
// A type of field needs `to_text` and `from_text`, below; one with few values is visited with
// `one_of` them, a whole number with its Range where that does not depend on the model.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "patchbay/experiments/experiment.h"
#include "patchbay/experiments/selection_common.h"
#include "patchbay/metrics/metric.h"
#include "patchbay/patching/source.h"

namespace patchbay::experiments {

/// A value of a field and its name.
template <class Value>
struct Choice {
  std::string_view name;
  Value value;
};

/// The values that a field may have.
template <class Value>
struct OneOf {
  std::span<const Choice<Value>> choices;
  std::string_view noun = "";  ///< "site": what errors call one
};
template <class Value, std::size_t kCount>
constexpr OneOf<Value> one_of(const Choice<Value> (&choices)[kCount], std::string_view noun = "") {
  return {choices, noun};
}

/// Whole numbers from least to most.
struct Range {
  std::int64_t least = 0;
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
};
/// Throws FieldError for a number outside, whose bound only a model knows.
void check_range(std::string_view field, std::int64_t value, Range range);

/// Texts that `from_text` reads back as the same value. "" is what no text stands for: a null
/// metric, an enumerator that does not exist.
std::string to_text(bool value);
std::string to_text(double value);
std::string to_text(std::int64_t value);
std::string to_text(std::uint64_t value);
std::string to_text(Direction value);
std::string to_text(SourceKind value);
std::string to_text(EffectKind value);
std::string to_text(Aggregate value);
std::string to_text(const metrics::Metric* value);
std::string to_text(const std::vector<std::string>& value);
inline std::string to_text(const Selection& value) { return value.text(); }

/// All throw kUsage whose place is the field.
void from_text(std::string_view field, const std::string& text, bool& value);
void from_text(std::string_view field, const std::string& text, double& value);
void from_text(std::string_view field, const std::string& text, std::int64_t& value,
               Range range = {});
void from_text(std::string_view field, const std::string& text, std::uint64_t& value);
void from_text(std::string_view field, const std::string& text, Direction& value);
void from_text(std::string_view field, const std::string& text, SourceKind& value);
void from_text(std::string_view field, const std::string& text, EffectKind& value);
void from_text(std::string_view field, const std::string& text, Aggregate& value);
void from_text(std::string_view field, const std::string& text, const metrics::Metric*& value);
void from_text(std::string_view field, const std::string& text, std::vector<std::string>& value);
template <std::derived_from<Selection> Kind>
void from_text(std::string_view /*field*/, const std::string& text, Kind& value) {
  value = Kind(text);
}

/// The same of what may be left to something else: "" for nothing.
template <class Value>
std::string to_text(const std::optional<Value>& value) {
  return value ? to_text(*value) : "";
}
template <class Value>
void from_text(std::string_view field, const std::string& text, std::optional<Value>& value) {
  if (text.empty()) return value.reset();
  from_text(field, text, value.emplace());
}

/// The same of values with names.
template <class Value>
std::string to_text(const Value& value, OneOf<Value> one_of) {
  for (const Choice<Value>& choice : one_of.choices) {
    if (choice.value == value) return std::string(choice.name);
  }
  return "";
}
template <class Value>
std::string to_text(const std::optional<Value>& value, OneOf<Value> one_of) {
  return value ? to_text(*value, one_of) : "";
}
template <class Value>
std::string to_text(const std::vector<Value>& values, OneOf<Value> one_of) {
  std::string text;
  for (const Value& value : values) text += (text.empty() ? "" : ",") + to_text(value, one_of);
  return text;
}
[[noreturn]] void refuse_choice(std::string_view field, std::string_view text,
                                std::string_view noun, const std::vector<std::string>& names);
template <class Value>
void from_text(std::string_view field, const std::string& text, Value& value, OneOf<Value> one_of) {
  std::vector<std::string> names;
  for (const Choice<Value>& choice : one_of.choices) {
    if (choice.name == text) {
      value = choice.value;
      return;
    }
    names.emplace_back(choice.name);
  }
  refuse_choice(field, text, one_of.noun, names);
}
template <class Value>
void from_text(std::string_view field, const std::string& text, std::optional<Value>& value,
               OneOf<Value> one_of) {
  if (text.empty()) return value.reset();
  from_text(field, text, value.emplace(), one_of);
}
template <class Value>
void from_text(std::string_view field, const std::string& text, std::vector<Value>& values,
               OneOf<Value> one_of) {
  values.clear();
  for (const std::string& name : parse_list(text, field)) {
    from_text(field, name, values.emplace_back(), one_of);
  }
}

/// A visitor that writes down every field with its text.
class FieldWriter {
 public:
  template <class Value>
  void operator()(std::string_view name, const Value& value, std::string_view what) {
    add(name, to_text(value), what);
  }
  template <class Value, class Named>
  void operator()(std::string_view name, const Value& value, OneOf<Named> one_of,
                  std::string_view what) {
    add(name, to_text(value, one_of), what);
  }
  void operator()(std::string_view name, std::int64_t value, Range /*range*/,
                  std::string_view what) {
    add(name, to_text(value), what);
  }

  std::vector<Field> fields;

 private:
  void add(std::string_view name, std::string text, std::string_view what) {
    fields.push_back({std::string(name), std::move(text), std::string(what)});
  }
};

/// A visitor that reads those fields whose text is given.
class FieldReader {
 public:
  explicit FieldReader(const Texts& given) : given_(given) {}

  template <class Value>
  void operator()(std::string_view name, Value& value, std::string_view /*what*/) {
    if (const std::string* text = given(name, to_text(value))) from_text(name, *text, value);
  }
  template <class Value, class Named>
  void operator()(std::string_view name, Value& value, OneOf<Named> one_of,
                  std::string_view /*what*/) {
    const std::string* text = given(name, to_text(value, one_of));
    if (text != nullptr) from_text(name, *text, value, one_of);
  }
  void operator()(std::string_view name, std::int64_t& value, Range range,
                  std::string_view /*what*/) {
    if (const std::string* text = given(name, to_text(value))) from_text(name, *text, value, range);
  }

 private:
  // Throws FieldError for a text of nothing where nothing is not the fallback.
  [[nodiscard]] const std::string* given(std::string_view name, const std::string& fallback) const;

  const Texts& given_;
};

/// Every field of some settings, with what they say instead of fallbacks.
template <class Settings>
std::vector<Field> fields_of(Settings settings = {}) {
  FieldWriter writer;
  settings.visit(writer);
  return std::move(writer.fields);
}

/// Throws kUsage, with the nearest name, for names that are none of these fields'.
void refuse_unknown(std::string_view experiment, const std::vector<Field>& fields,
                    const Texts& given);

/// As Experiment::with.
template <class Settings>
Settings read_settings(const Texts& given) {
  refuse_unknown(Settings::kName, fields_of<Settings>(), given);
  Settings settings;
  FieldReader reader(given);
  settings.visit(reader);
  return settings;
}

/// Throws FieldError for values that would be refused as text: a null metric, an empty list where
/// something must be, a number out of its range, what is not a number. Every `run` begins with it.
template <class Settings>
void check_values(const Settings& settings) {
  Texts texts;
  for (Field& field : fields_of(settings)) texts[field.name] = std::move(field.fallback);
  (void)read_settings<Settings>(texts);
}

/// A table that says which experiment it is of, and all its settings.
template <class Settings>
EffectTable table_of(const Settings& settings) {
  EffectTable table;
  table.experiment = Settings::kName;
  for (Field& field : fields_of(settings)) {
    table.options.push_back({std::move(field.name), std::move(field.fallback)});
  }
  return table;
}

template <class Settings>
ConfiguredExperiment configured(Settings settings) {
  const auto shared = std::make_shared<const Settings>(std::move(settings));
  return {.options = table_of(*shared).options,
          .check = [shared](Session& session) { check(session, *shared); },
          .run = [shared](Session& session) { return run(session, *shared); }};
}

/// The entry of an experiment, from its settings. It can be sharded where they say so:
/// `static constexpr bool kCanBeSharded = true`.
template <class Settings>
const Experiment& experiment_of() {
  constexpr bool kCanBeSharded = requires { Settings::kCanBeSharded; };
  static const Experiment kExperiment = {
      .name = Settings::kName,
      .summary = Settings::kSummary,
      .fields = fields_of<Settings>(),
      .with = [](const Texts& given) { return configured(read_settings<Settings>(given)); },
      .can_be_sharded = kCanBeSharded};
  return kExperiment;
}

/// The fields of a Source, for settings that have one.
template <class Visitor>
void visit_source(Visitor& v, Source& source) {
  v("source", source.kind,
    "what is put in: other, zero, mean, mean_by_position, mean_by_template, resample, gaussian");
  v("sigma", source.sigma, "of gaussian: the standard deviation of the noise");
  v("source-seed", source.seed, "of resample and gaussian");
}

}  // namespace patchbay::experiments
