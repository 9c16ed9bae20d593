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
#include "patchbay/patching/sweep_runs.h"
#include "patchbay/results/cell_key.h"

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
/// Whether it is one of the three means.
bool is_mean(SourceKind kind);
/// Whether its values are of the side that is not patched.
bool reads_other_side(SourceKind kind);
/// Throws kUsage with the nearest name.
SourceKind parse_source(std::string_view name);

struct Source {
  SourceKind kind = SourceKind::kOtherRun;
  std::uint64_t seed = 0;  ///< of kResample and kGaussian
  double sigma = 0.1;      ///< of kGaussian: the noise's standard deviation
};

/// Which prompts run where: the side that is patched and the other one.
struct Sides {
  const PromptSet& prompts;
  Direction direction;  ///< kNoise patches the clean run, kDenoise the corrupted one

  [[nodiscard]] const Prompt& base(std::int64_t prompt) const;
  [[nodiscard]] const Prompt& other(std::int64_t prompt) const;
  [[nodiscard]] const std::vector<TokenSpan>& base_positions(std::int64_t prompt) const;
  [[nodiscard]] const std::vector<TokenSpan>& other_positions(std::int64_t prompt) const;
  /// As far as both prompts begin alike, their runs have the same bits in the same places.
  [[nodiscard]] std::int64_t tokens_alike(std::int64_t prompt) const;
  /// How many rows of the patched run these pieces reach: all from the first on that gets another
  /// value. In the first `alike` rows the source has the patched run's values.
  [[nodiscard]] std::int64_t rows_reached(std::int64_t prompt, std::span<const Piece> pieces,
                                          std::int64_t alike) const;
};

/// Means that were computed before, by everything that they depend on.
using MeanCache = std::map<CellKey, Tensor>;

/// What a source knows of the whole set before the first prompt is patched: means, and who is
/// resampled from whom.
class SourcePlan {
 public:
  /// Throws kUsage for a mean of attention over positions, kBadData when a prompt has none to be
  /// resampled from.
  SourcePlan(const Sides& sides, const Source& source, const std::vector<HookName>& names);

  /// How many numbers the means are; 0 for other sources.
  [[nodiscard]] std::int64_t size_of_means(const HookedTransformerConfig& cfg) const;
  /// Drops the means of other plans where they take more than `most_bytes`. Gives the bytes of
  /// those that stay.
  std::int64_t make_room(std::int64_t most_bytes, MeanCache& means) const;
  /// Computes the means, if there are any, before the first values are asked for: runs the other
  /// side's prompts, `prompts_at_once` at a time.
  void prepare(const SweepRuns& runs, std::int64_t prompts_at_once, MeanCache& means);

  [[nodiscard]] const Source& source() const { return source_; }
  [[nodiscard]] const Sides& sides() const { return sides_; }
  [[nodiscard]] const std::vector<HookName>& names() const { return names_; }
  /// The prompt whose run gives the values of a pair, where one run does.
  [[nodiscard]] const Prompt& source_prompt(std::int64_t prompt) const;
  /// Where the positions of a pair are in the run that values come from.
  [[nodiscard]] const std::vector<TokenSpan>& source_positions(std::int64_t prompt) const;
  /// The means that a pair gets: [pos, row], or [1, row] for kMean.
  [[nodiscard]] const Tensor& mean(std::int64_t prompt, const HookName& name) const;
  /// Everything that the values of a pair depend on, beside its own prompts.
  void add_to(KeyMaker& key, std::int64_t prompt) const;

 private:
  void draw();
  [[nodiscard]] std::string mean_class(std::int64_t prompt) const;
  /// By class of prompts that share means, the first prompt.
  [[nodiscard]] std::map<std::string, std::int64_t> first_of_classes() const;
  [[nodiscard]] CellKey mean_key(const std::string& of_class, const HookName& name) const;

  Sides sides_;
  Source source_;
  std::vector<HookName> names_;
  std::vector<std::int64_t> resampled_;  // [prompt]
  CellKey averaged_;                     // of all prompts that means are over
  using Means = std::map<HookName, const Tensor*>;
  std::map<std::string, Means> means_;  // by mean_class
  std::vector<const Means*> means_of_;  // [prompt]
};

/// The values of some prompts of the set.
class SourceValues {
 public:
  /// Of prompts [first, last). When the values are the other run's, a pass that records them gives
  /// its logits too, as demanded.
  SourceValues(const SweepRuns& runs, const SourcePlan& plan, std::int64_t first, std::int64_t last,
               const Demand& demand = {.logits = Demand::At::kNowhere});

  /// What goes into a piece in one prompt of the set; valid as long as this and the plan.
  [[nodiscard]] std::span<const float> values(std::int64_t prompt, const Piece& piece) const;
  /// The other run's logits, once; nothing when no pass gave them.
  [[nodiscard]] std::optional<Logits> take_other_logits() { return recording_.take_logits(); }

 private:
  void add_noise(const HookedTransformerConfig& cfg, std::int64_t last);

  const SourcePlan* plan_;
  std::int64_t first_;
  Recording recording_;
  std::vector<float> zeros_;
  std::vector<std::map<HookName, Tensor>> noisy_;  // [prompt − first]
};

}  // namespace patchbay
