// Experiments: each runs a model on a set of prompts and gives one table of numbers.
//
// patchbay/experiments/NAME.cpp defines `const Experiment& NAME()`; adding the file is all it
// takes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/model/hooked_transformer.h"
#include "patchbay/prompts/prompt_set.h"
#include "patchbay/results/effect_table.h"
#include "patchbay/results/cell_store.h"

namespace patchbay::experiments {

/// One setting that an experiment reads. Command line and study files give it as text.
struct OptionInfo {
  std::string_view name;      ///< "site": --site on the command line, site in a study file
  std::string_view fallback;  ///< what it is when nobody says; "" for nothing
  std::string_view what;      ///< one line for people
};

/// The parts of a text between commas, without spaces around them. Throws kUsage that names the
/// option, as below.
std::vector<std::string> parse_list(std::string_view text, std::string_view option);
/// Whole numbers of [0, count): "0,3-5"; negative ones count from the end, "middle" is
/// (count − 1) / 2.
std::vector<std::int64_t> parse_indices(std::string_view text, std::string_view option,
                                        std::int64_t count);

/// The settings of one run, by name, as text.
class Settings {
 public:
  /// Fills what is not given with the fallbacks. Throws kUsage for a name that is not declared,
  /// with the nearest one, and for a value of nothing where nothing is not the fallback.
  Settings(std::string_view experiment, std::span<const OptionInfo> known,
           const std::map<std::string, std::string>& given);

  [[nodiscard]] const std::string& text(std::string_view name) const;
  [[nodiscard]] bool is_given(std::string_view name) const { return !text(name).empty(); }
  /// As parse_list.
  [[nodiscard]] std::vector<std::string> list(std::string_view name) const;
  /// A whole number of [least, most], a number, yes or no. Throw kUsage that names the option.
  [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t least,
                                     std::int64_t most) const;
  [[nodiscard]] double number(std::string_view name) const;
  [[nodiscard]] bool flag(std::string_view name) const;
  /// As parse_indices; all when nothing is said.
  [[nodiscard]] std::vector<std::int64_t> indices(std::string_view name, std::int64_t count) const;
  /// One of these names. Throws kUsage with the nearest.
  [[nodiscard]] std::string choice(std::string_view name,
                                   std::span<const std::string_view> names) const;

  /// All of them as they are recorded in a result.
  [[nodiscard]] std::vector<Option> recorded() const;

 private:
  std::string experiment_;
  std::vector<std::pair<std::string, std::string>> values_;  // in the order of declaration
};

/// What one run of an experiment has.
struct Request {
  const RunContext& ctx;
  const HookedTransformer& model;
  const PromptSet& prompts;
  const Settings& settings;
  CellStore* store = nullptr;  ///< finished values of an interrupted run; may be null
};

struct Experiment {
  std::string_view name;
  std::string_view summary;
  std::span<const OptionInfo> options;
  /// Fills everything of the table but provenance.
  EffectTable (*run)(const Request& request);
  /// Throws what `run` would throw for these settings, prompts and model, without running anything.
  void (*check)(const Request& request);
  /// Whether its values are known to be wanted before any is there, so that shards can part them.
  bool can_be_sharded = false;
};

/// Every experiment, by name.
const std::vector<const Experiment*>& all();
/// The experiment of that name. Throws kUsage with the nearest name.
const Experiment& find(std::string_view name);

/// The names of a model's prompts on the axis "prompt": their numbers from 0.
TableAxis prompt_axis(const PromptSet& prompts);
/// "0", "1", …
std::vector<std::string> number_labels(std::span<const std::int64_t> numbers);
/// An axis of the numbers [first, last).
TableAxis number_axis(std::string name, std::int64_t first, std::int64_t last);

}  // namespace patchbay::experiments
