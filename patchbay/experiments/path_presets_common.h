// Path patching as others do it, by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "patchbay/experiments/path_patching.h"

namespace patchbay::experiments {

/// What a tool or a paper means by path patching.
struct PathPreset {
  std::string_view name;
  std::string_view source;  ///< where it is from: paper, or tool and function
  PathMeaning meaning = PathMeaning::kHeadsFrozen;
  bool freeze_mlps = false;
  Direction direction = Direction::kNoise;
  PositionList sender_position = {"END"};
  EffectKind effect = EffectKind::kPercentOfClean;  ///< what it reports, with its sign
  bool live_heads = false;
  NormScale norms = NormScale::kLive;
};

/// The presets that `preset` names, with what other settings say instead. Throws FieldError with
/// the nearest name.
std::vector<PathPreset> presets_of(const PathPatching& settings);

/// One line: what is frozen, where senders are patched, the effect's formula, the source.
std::string text_of(const PathPreset& preset);

/// The settings as a result records them: one preset alone as what it stands for. Throws as
/// presets_of.
std::vector<Option> recorded_options(const PathPatching& settings);

}  // namespace patchbay::experiments
