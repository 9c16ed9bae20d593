// Experiments by name, as command lines, study files and lists see them: settings as text in, one
// table of numbers out.
//
// To add one, write NAME.cpp; CMake finds it (cmake/PatchbayRegistry.cmake). It holds
//   a struct   settings with their defaults, `kName`, `kSummary`, `kExample` (settings worth
//              showing, where the defaults alone are not), and `visit`, which says the name and the
//              help of every field once (settings_common.h)
//   functions  `check(session, settings)`, `run(session, settings)`, and the entry
//              `const Experiment& NAME() { return experiment_of<Settings>(); }`
// That is all for the command line, study files and lists. Where C++ programs shall call it with
// its settings, struct and declarations go to a NAME.h, as those of all shipped ones do. Logit lens
// (logit_lens.h, logit_lens.cpp) is a short one to copy.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/base/error.h"
#include "patchbay/patching/session.h"
#include "patchbay/results/effect_table.h"

namespace patchbay::experiments {

/// Settings as text, by the names of their fields.
using Texts = std::map<std::string, std::string>;

/// One setting of an experiment, as people read it.
struct Field {
  std::string name;      ///< "site": --site on the command line, site in a study file
  std::string fallback;  ///< its text when nobody says; "" for nothing
  std::string type;      ///< a word for its values: "N", "X" for any number, "NAME", "LIST", …
  std::string what;      ///< one line for people
};

/// A setting that cannot be: the place of the error is the field's name. Names of other fields in
/// its text stand in backquotes, so that a command can write them as options.
class FieldError : public Error {
 public:
  FieldError(std::string_view field, std::string_view what)
      : Error(ErrorKind::kUsage, field, what), field_(field) {}

  [[nodiscard]] const std::string& field() const { return field_; }

 private:
  std::string field_;
};

/// An experiment and its settings, ready to run.
struct ConfiguredExperiment {
  std::vector<Option> options;  ///< all settings
  std::vector<Option>
      recorded;  ///< the same as a result records them: a preset as what it stands for
  /// Throws what `run` would throw for this model and these prompts, without running anything.
  std::function<void(Session& session)> check;
  /// The table, with everything but provenance.
  std::function<EffectTable(Session& session)> run;
};

struct Experiment {
  std::string_view name;
  std::string_view summary;
  std::vector<Field> fields;  ///< in the order in which results record them
  Texts example;              ///< settings that show something on the prompts of the task ioi
  /// Reads settings; what is not given has its fallback. Throws kUsage for a name that is no
  /// field's, with the nearest one, and FieldError for a value that no model could make sense of.
  ConfiguredExperiment (*with)(const Texts& given);
  /// Whether its values are known to be wanted before any is there, so that shards can part them.
  bool can_be_sharded = false;
};

/// Every experiment, by name.
const std::vector<const Experiment*>& all();
/// The experiment of that name. Throws kUsage with the nearest name.
const Experiment& find(std::string_view name);

/// What a field that had this name in an earlier version is called now; "" for other names.
std::string_view renamed_field(std::string_view before);
/// `; did you mean "site"?` for a name that is none of these fields: one that is spelled nearly so,
/// or what a field of that name is called since. Nothing when there is none.
std::string suggested_field(std::string_view name, std::span<const std::string> fields);

/// The names of a model's prompts on the axis "prompt": their numbers from 0.
TableAxis prompt_axis(const PromptSet& prompts);
/// "0", "1", …
std::vector<std::string> number_labels(std::span<const std::int64_t> numbers);
/// An axis of the numbers [first, last).
TableAxis number_axis(std::string name, std::int64_t first, std::int64_t last);

}  // namespace patchbay::experiments
