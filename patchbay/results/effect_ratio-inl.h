// Effects as ratios: what formula_of says in words. Used by statistics.cpp.
//
// Numerators and denominators are linear in a prompt's metrics, so one pair of functions serves
// prompts, their sums and resampled sums. Not installed: floating arithmetic belongs to files that
// are compiled with the rules of exactness.
#pragma once

#include "patchbay/results/effect_table.h"

namespace patchbay {

/// Metrics of one prompt, or their sums over `n` prompts.
struct Metrics {
  double patched;
  double clean;
  double corrupted;
  double n;
};

inline double numerator(EffectKind kind, Direction direction, const Metrics& m) {
  switch (kind) {
    case EffectKind::kRaw:
    case EffectKind::kOfGap:
      if (direction == Direction::kNone) return m.patched;
      return m.patched - (direction == Direction::kNoise ? m.clean : m.corrupted);
    case EffectKind::kFraction:
      return direction == Direction::kNoise ? m.clean - m.patched : m.patched - m.corrupted;
    case EffectKind::kRecovered:
      return m.patched - m.corrupted;
    case EffectKind::kPercentOfClean:
      return 100 * (m.patched - m.clean);
  }
  return 0;
}

inline double denominator(EffectKind kind, const Metrics& m) {
  if (kind == EffectKind::kRaw) return m.n;
  return kind == EffectKind::kPercentOfClean ? m.clean : m.clean - m.corrupted;
}

}  // namespace patchbay
