// Two results side by side, and their difference.
#pragma once

#include <string>

#include "patchbay/results/effect_table.h"

namespace patchbay {

/// Two tables cut down to the places that both have, and what the second has more than the first.
struct Comparison {
  EffectTable first;
  EffectTable second;
  EffectTable difference;  ///< second - first, in the unit of `effect`
  bool is_paired = false;  ///< whether the difference was taken prompt by prompt
};

/// Compares two results of one effect. Axes must have the same names; labels that only one of them
/// has are left out, and so are prompts beyond the shorter result where the clean prompts are the
/// same.
///
/// * Same clean prompts and the raw effect: the difference of every prompt, so that its intervals
/// are
///   those of paired samples (two corruptions, two models with one text, with and without BOS).
/// * Else the difference of the two summaries, which has no interval of its own; a note says so.
///
/// Throws kUsage for tables that break a rule (EffectTable::check), for results of other axes,
/// without a place in common, or without the effect.
Comparison compare(const EffectTable& first, const EffectTable& second, EffectKind effect);

}  // namespace patchbay
