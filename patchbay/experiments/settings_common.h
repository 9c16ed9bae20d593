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
// A field with few values is visited with `one_of` them, a whole number with its Range where that
// does not depend on the model; fields_common.h has the types that fields may have.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "patchbay/experiments/experiment.h"
#include "patchbay/experiments/fields_common.h"

namespace patchbay::experiments {

/// A visitor that writes down every field with its text.
class FieldWriter {
 public:
  template <class Value>
  void operator()(std::string_view name, const Value& value, std::string_view what) {
    add(name, to_text(value), type_word<Value>(), what);
  }
  template <class Value, class Named>
  void operator()(std::string_view name, const Value& value, OneOf<Named> one_of,
                  std::string_view what) {
    add(name, to_text(value, one_of), is_list<Value> ? "LIST" : "NAME", what);
  }
  void operator()(std::string_view name, std::int64_t value, Range /*range*/,
                  std::string_view what) {
    add(name, to_text(value), "N", what);
  }

  std::vector<Field> fields;

 private:
  void add(std::string_view name, std::string text, std::string_view type, std::string_view what) {
    fields.push_back({std::string(name), std::move(text), std::string(type), std::string(what)});
  }
};

/// Throws FieldError for a text of nothing where nothing is not the fallback.
void refuse_empty(std::string_view field, const std::string& text, const std::string& fallback);

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
  [[nodiscard]] const std::string* given(std::string_view name, const std::string& fallback) const;

  const Texts& given_;
};

/// A visitor that refuses what FieldReader would refuse as text. Metrics may be one's own.
class FieldChecker {
 public:
  explicit FieldChecker(const std::vector<Field>& fallbacks) : next_(fallbacks.begin()) {}

  template <class Value>
  void operator()(std::string_view name, Value& value, std::string_view /*what*/) {
    from_text(name, checked(to_text(value)), value);
  }
  template <class Value, class Named>
  void operator()(std::string_view name, Value& value, OneOf<Named> one_of,
                  std::string_view /*what*/) {
    from_text(name, checked(to_text(value, one_of)), value, one_of);
  }
  void operator()(std::string_view name, std::int64_t& value, Range range,
                  std::string_view /*what*/) {
    from_text(name, checked(to_text(value)), value, range);
  }
  void operator()(std::string_view /*name*/, const metrics::Metric* value,
                  std::string_view /*what*/) {
    (void)checked(to_text(value));
  }

 private:
  // The text of the next field.
  std::string checked(std::string text) {
    refuse_empty(next_->name, text, next_->fallback);
    ++next_;
    return text;
  }

  std::vector<Field>::const_iterator next_;
};

/// Every field of some settings, with what they say instead of fallbacks.
template <class Settings>
std::vector<Field> fields_of(Settings settings = {}) {
  FieldWriter writer;
  settings.visit(writer);
  return std::move(writer.fields);
}

/// Throws kUsage, with the nearest name, for names that are none of these fields'; FieldError for
/// fields that mean nothing beside the others, as a `sigma` that is not the default's with another
/// source than gaussian, and for deviations below 0.
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
void check_values(Settings settings) {
  const std::vector<Field> fallbacks = fields_of<Settings>();
  FieldChecker checker(fallbacks);
  settings.visit(checker);
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

/// The settings as a result records them. An experiment whose settings decide others (a preset) has
/// a function of this name for its own.
template <class Settings>
std::vector<Option> recorded_options(const Settings& settings) {
  return table_of(settings).options;
}

template <class Settings>
ConfiguredExperiment configured(Settings settings) {
  const auto shared = std::make_shared<const Settings>(std::move(settings));
  return {.options = table_of(*shared).options,
          .recorded = recorded_options(*shared),
          .check = [shared](Session& session) { check(session, *shared); },
          .run = [shared](Session& session) { return run(session, *shared); }};
}

/// A field of an example and its text.
struct ExampleText {
  std::string_view field;
  std::string_view text;
};

/// The settings of its example: `static constexpr ExampleText kExample[] = {{"site", "v"}}`.
template <class Settings>
Texts example_of() {
  Texts example;
  if constexpr (requires { Settings::kExample; }) {
    for (const auto& [field, text] : Settings::kExample) example.emplace(field, text);
  }
  return example;
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
      .example = example_of<Settings>(),
      .with = [](const Texts& given) { return configured(read_settings<Settings>(given)); },
      .can_be_sharded = kCanBeSharded};
  return kExperiment;
}

/// What fields that several experiments have say of themselves.
inline constexpr std::string_view kMetricHelp = "what is measured; patchbay help metrics";
inline constexpr std::string_view kEffectHelp =
    "shown first: raw, fraction, recovered, percent_of_clean, of_gap; patchbay help effects";
inline constexpr std::string_view kLayersHelp =
    "only these layers: 0,3-5; negative ones count from the end";
inline constexpr std::string_view kHeadsHelp = "only these heads, numbered as layers are";
inline constexpr std::string_view kPositionsHelp =
    "only these positions: numbers, or names that the task has; all is all";
inline constexpr std::string_view kDirectionHelp =
    "noise: the clean run with corrupted values; denoise: the corrupted run with clean values";

/// The fields metric, effect and aggregate, for settings that have all three.
template <class Visitor, class Settings>
void visit_measure(Visitor& v, Settings& settings, std::string_view effect_help = kEffectHelp) {
  v("metric", settings.metric, kMetricHelp);
  v("effect", settings.effect, effect_help);
  v("aggregate", settings.aggregate,
    "over prompts: ratio_of_means, or mean_of_ratios: the mean of each prompt's own effect");
}

/// The fields of a Source, for settings that have one with noise.
template <class Visitor>
void visit_source(Visitor& v, Source& source) {
  v("source", source.kind,
    "what is put in: other, zero, mean, mean_by_position, mean_by_template, resample, gaussian");
  v("sigma", source.sigma,
    "of gaussian: the standard deviation of the noise, in units of the activation");
  v("source-seed", source.seed, "of resample and gaussian: draw otherwise");
}
/// The fields of a Source that draws no noise; `what` the source is for.
template <class Visitor>
void visit_average(Visitor& v, Source& source, std::string_view what) {
  v("source", source.kind, what);
  v("source-seed", source.seed, "of resample: draw other prompts");
}

}  // namespace patchbay::experiments
