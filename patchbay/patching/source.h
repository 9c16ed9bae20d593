// What is put in: activations of the other run, zeros, means, another prompt's, or noise.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/patching/intervention.h"
#include "patchbay/patching/recorded_runs.h"

namespace patchbay {

enum class SourceKind {
  kOtherRun,        ///< the other prompt of the pair
  kZero,            ///< zeros
  kMean,            ///< the mean over all positions of all prompts of the other side
  kMeanByPosition,  ///< at each position, over the other side's prompts of the same length
  kMeanByTemplate,  ///< the same, over prompts of the same template only
  kResample,        ///< another prompt of the patched side, of the same length, drawn by seed
  kGaussian,        ///< the patched run's own values plus Gaussian noise
};

inline constexpr SourceKind kSourceKinds[] = {
    SourceKind::kOtherRun,       SourceKind::kZero,           SourceKind::kMean,
    SourceKind::kMeanByPosition, SourceKind::kMeanByTemplate, SourceKind::kResample,
    SourceKind::kGaussian};

/// "other", "zero", "mean", "mean_by_position", "mean_by_template", "resample", "gaussian".
std::string_view name_of(SourceKind kind);
/// Throws kUsage with the nearest name.
SourceKind parse_source(std::string_view name);

struct Source {
  SourceKind kind = SourceKind::kOtherRun;
  std::uint64_t seed = 0;  ///< of kResample and kGaussian
  double sigma = 0.0;      ///< of kGaussian: the noise's standard deviation
};

/// Which prompts run where: the side that is patched and the other one.
struct Sides {
  const PromptSet& prompts;
  Direction direction;  ///< kNoise patches the clean run, kDenoise the corrupted one

  [[nodiscard]] const Prompt& base(std::int64_t prompt) const;
  [[nodiscard]] const Prompt& other(std::int64_t prompt) const;
  [[nodiscard]] const std::vector<std::int32_t>& base_positions(std::int64_t prompt) const;
  [[nodiscard]] const std::vector<std::int32_t>& other_positions(std::int64_t prompt) const;
  /// How many rows of the patched run these pieces may change: from the first on that gets another
  /// value. `from_other`: the values are those of a run of the other prompt, which has the same
  /// bits in the same places as far as both prompts begin alike.
  [[nodiscard]] std::int64_t changed_rows(std::int64_t prompt, std::span<const Piece> pieces,
                                          bool from_other) const;
};

/// What a source knows of the whole set before the first prompt is patched: means, and who is
/// resampled from whom.
class SourcePlan {
 public:
  /// Means run the other side's prompts, `prompts_at_once` at a time. Throws kUsage for a mean of
  /// attention over positions, kBadData when a prompt has none to be resampled from.
  SourcePlan(const RunContext& ctx, const HookedTransformer& model, const Sides& sides,
             const Source& source, const std::vector<HookName>& names,
             std::int64_t prompts_at_once);

  /// Where the positions of a pair are in the run that values come from.
  [[nodiscard]] const std::vector<std::int32_t>& source_positions(std::int64_t prompt) const;

 private:
  friend class SourceValues;
  using Rows = std::map<HookName, Tensor>;  // [pos, row], or [1, row] for kMean

  [[nodiscard]] std::string mean_class(std::int64_t prompt) const;

  Sides sides_;
  Source source_;
  std::vector<HookName> names_;
  std::map<std::string, Rows> means_;    // by mean_class
  std::vector<std::int64_t> resampled_;  // [prompt]
};

/// The values of some prompts of the set.
class SourceValues {
 public:
  /// Of prompts [first, last). When the values are the other run's, that run gives logits too, as
  /// demanded.
  SourceValues(const RunContext& ctx, const HookedTransformer& model, const SourcePlan& plan,
               std::int64_t first, std::int64_t last,
               const Demand& demand = {.logits = Demand::At::kNowhere});

  /// What goes into a piece in one prompt of the set; valid as long as this and the plan.
  [[nodiscard]] std::span<const float> values(std::int64_t prompt, const Piece& piece) const;
  /// The other run's logits, once; nothing when the values are of something else, or none were
  /// demanded.
  [[nodiscard]] std::optional<Logits> take_other_logits() {
    return std::exchange(other_logits_, std::nullopt);
  }

 private:
  std::optional<Logits> other_logits_;
  const SourcePlan* plan_;
  std::int64_t first_;
  RecordedRuns runs_;
  std::vector<float> zeros_;
  std::vector<SourcePlan::Rows> noisy_;  // [prompt − first]
};

}  // namespace patchbay
