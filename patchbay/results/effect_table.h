// What an experiment gives out: one number per cell and prompt, and everything needed to judge it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace patchbay {

/// One axis of a table and the name of each place on it: "layer" with "0", "1", …
struct TableAxis {
  std::string name;  ///< "layer", "head", "position", "prompt", …
  std::vector<std::string> labels;
};

using OptionValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;

/// A setting of the experiment, as it was used: defaults too.
struct Option {
  std::string name;
  OptionValue value;
};

/// Where a result comes from. No time stamp and no host name: the same study gives the same bytes.
struct Provenance {
  std::string model;
  std::string model_sha256;  ///< digest of the weights; empty when unknown
  std::vector<std::string> weight_processing;
  std::string task;
  bool prepend_bos = false;
  std::string tokens_sha256;  ///< digest of the prompts' tokens; empty when unknown
  std::string version;        ///< patchbay's version
  std::string command;        ///< the command or the study that made it
};

/// The metric without patching. An experiment without two sides leaves one or both empty.
struct Baselines {
  std::vector<double> clean;      ///< [prompt]
  std::vector<double> corrupted;  ///< [prompt]
};

/// Which run was patched: kNoise puts corrupted values into the clean run, kDenoise clean values
/// into the corrupted run. kNone is for values that no patched run gave (an attribution).
enum class Direction { kNone, kNoise, kDenoise };

/// How a patched metric becomes an effect, with gap = clean - corrupted.
enum class EffectKind {
  kRaw,        ///< patched - base; base is clean for kNoise, corrupted for kDenoise, 0 for kNone
  kFraction,   ///< how far towards the other run: kNoise (clean - patched) / gap,
               ///< kDenoise (patched - corrupted) / gap
  kRecovered,  ///< (patched - corrupted) / gap, whatever the direction
  kPercentOfClean,  ///< 100 (patched - clean) / clean
  kOfGap            ///< (patched - base) / gap, with the sign of the change: kNoise 0 unharmed, -1
                    ///< the corrupted run (ARENA's ioi_metric for path patching)
};

/// How per-prompt numbers become one: the ratio of their sums, or the mean of their ratios.
enum class Aggregate { kRatioOfMeans, kMeanOfRatios };

inline constexpr EffectKind kEffectKinds[] = {EffectKind::kRaw, EffectKind::kFraction,
                                              EffectKind::kRecovered, EffectKind::kPercentOfClean,
                                              EffectKind::kOfGap};

/// Something to read about each prompt: "clean", "answer".
struct TextColumn {
  std::string name;
  std::vector<std::string> texts;  ///< [prompt]
};

/// A result. Values are kept per prompt, so that every statistic can be computed from the table.
struct EffectTable {
  std::string experiment;
  std::vector<Option> options;
  std::string metric;  ///< "logit_diff"
  Direction direction = Direction::kNone;
  std::vector<TableAxis> axes;  ///< the axis "prompt" last; the others make the cells
  /// [axes…], row-major: the metric after patching, raw. NaN where a prompt has no such cell.
  std::vector<double> values;
  Baselines baselines;
  EffectKind effect = EffectKind::kFraction;  ///< the effect that is shown first
  Aggregate aggregate = Aggregate::kRatioOfMeans;
  std::vector<TextColumn> columns;
  /// Sentences that belong to the result: prompts left out, a source that changes nothing.
  std::vector<std::string> notes;
  Provenance provenance;

  // The table must keep its rules (broken_rule) where a function says that it throws kUsage.

  /// The extents of all axes, prompts last.
  [[nodiscard]] std::vector<std::int64_t> shape() const;
  /// The product of all extents but the prompts'.
  [[nodiscard]] std::int64_t cells() const;
  [[nodiscard]] std::int64_t n_prompts() const;
  /// The metric of one cell and prompt. Throws kUsage when there is no such cell or prompt.
  [[nodiscard]] double value(std::int64_t cell, std::int64_t prompt) const;
  /// [prompt] The metrics of one cell. Throws kUsage when there is no such cell, and when the
  /// values are fewer than the axes make.
  [[nodiscard]] std::span<const double> cell_values(std::int64_t cell) const;
  /// One label per axis but "prompt": {"9", "6"}. Throws kUsage when there is no such cell.
  [[nodiscard]] std::vector<std::string_view> cell_labels(std::int64_t cell) const;

  /// The unpatched metric from which raw effects are counted, [prompt]; empty for kNone.
  [[nodiscard]] std::span<const double> base() const;
  /// Whether the table has what this kind of effect is computed from.
  [[nodiscard]] bool has_effect(EffectKind kind) const;

  /// The first rule of these that the table breaks, or "": the last axis is "prompt", axes have
  /// distinct names and at least one label, all lengths agree, names of options and of columns are
  /// distinct, options and baselines are finite, a direction has its base, and `effect` can be
  /// computed.
  [[nodiscard]] std::string broken_rule() const;
  /// Throws kUsage with the broken rule, if there is one.
  void check() const;
};

/// The names in files and on the command line: "denoise", "percent_of_clean", "ratio_of_means".
std::string_view name_of(Direction direction);
std::string_view name_of(EffectKind kind);
std::string_view name_of(Aggregate aggregate);

/// The value of that name; throws kUsage that lists the names and suggests the nearest.
Direction parse_direction(std::string_view name);
EffectKind parse_effect_kind(std::string_view name);
Aggregate parse_aggregate(std::string_view name);

/// The formula of an effect in one line, with its sign: "(clean - patched) / (clean - corrupted)".
std::string_view formula_of(EffectKind kind, Direction direction);

}  // namespace patchbay
