// Two results side by side, and their difference.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/results/effect_table.h"

namespace patchbay {

struct ComparisonOptions {
  /// Compare results of other metrics, directions, sources or corruptions too, instead of throwing.
  bool anyway = false;
};

/// Two tables cut down to the places that both have, and what the second has more than the first.
struct Comparison {
  EffectTable first;
  EffectTable second;
  EffectTable difference;     ///< second - first, in the unit of the effect that is compared
  bool is_paired = false;     ///< whether the difference was taken prompt by prompt
  std::int64_t n_same = 0;    ///< how many prompts are in both, wherever they stand
  std::int64_t n_first = 0;   ///< how many prompts the first result has
  std::int64_t n_second = 0;  ///< how many prompts the second result has
  /// What was compared although it is not the same, naming both: "the metric (logit_diff and
  /// prob)".
  std::vector<std::string> differs;
};

/// The label on the axis "prompt" of a difference of two summaries, each over all its prompts.
inline constexpr std::string_view kAllPrompts = "all prompts";

/// Compares two results of one effect. Axes must have the same names; labels that only one of them
/// has are left out. Prompts are the same by what the columns say of them, in whatever order: both
/// sides and all answers, as tokens where both results are of one model with or without BOS, else
/// as texts (prompt_identities); and all of them one by one where the digests of their tokens are
/// the same.
///
/// * The raw effect, and all prompts of the shorter result are in the other: the difference of
///   every prompt that both have, so that its intervals are those of paired samples (two models
///   with one text, with and without BOS).
/// * Else the difference of the two summaries over all prompts of each, which has no interval of
///   its own; a note says so.
///
/// Either way a note says how many of how many prompts are the same.
///
/// Throws kUsage for tables that break a rule (EffectTable::check), for results of other axes,
/// without a place in common, or without the effect; and, unless `anyway`, for results of other
/// metrics, directions or sources, and where the same clean prompts have other corrupted prompts.
Comparison compare(const EffectTable& first, const EffectTable& second, EffectKind effect,
                   const ComparisonOptions& options = {});

}  // namespace patchbay
