#include "patchbay/experiments/path_presets_common.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "patchbay/base/suggest.h"

namespace patchbay::experiments {
namespace {

std::vector<PathPreset> known_presets() {
  return {
      {.name = "paper", .source = "Wang et al. 2022, appendix B, algorithm 1, and Figure 3b"},
      {.name = "easy_transformer",
       .source = "redwoodresearch/Easy-Transformer, ioi_utils.py, path_patching; experiments.py"},
      {.name = "arena",
       .source = "ARENA 1.4.1, get_path_patch_head_to_final_resid_post and _to_heads, ioi_metric_2",
       .sender_position = {"all"},
       .effect = EffectKind::kOfGap},
      {.name = "path_patching_lib",
       .source = "callummcdougall/path_patching, path_patching.py, direct_includes_mlps=True; it "
                 "leaves the metric to its user",
       .sender_position = {"all"},
       .effect = EffectKind::kRaw},
      {.name = "pyvene",
       .source = "stanfordnlp/pyvene, tutorial_ioi_utils.py, path_patching_config: later attention "
                 "and MLP outputs are restored; it reports accuracy and KL, the percentage is ours",
       .freeze_mlps = true},
      {.name = "transformer_lens_linear",
       .source = "TransformerLens 3, direct_path_patching.py: one projection under the unpatched "
                 "run's ln1 scale, not centred",
       .meaning = PathMeaning::kLinear,
       .direction = Direction::kDenoise,
       .sender_position = {"all"},
       .effect = EffectKind::kFraction},
      {.name = "acdc_edge",
       .source = "Conmy et al. 2023 (ACDC), an edge's sender replaced by its corrupted value",
       .meaning = PathMeaning::kEdge,
       .sender_position = {"all"},
       .effect = EffectKind::kRaw},
  };
}

PathPreset find_preset(const std::string& name) {
  std::vector<std::string> names;
  for (PathPreset& preset : known_presets()) {
    if (preset.name == name) return preset;
    names.emplace_back(preset.name);
  }
  throw FieldError("preset", fmt::format("there is no preset \"{}\"{}; there are {}", name,
                                         did_you_mean(name, names), fmt::join(names, ", ")));
}

// Writes a preset's settings over recorded options that were left open.
void record(const PathPreset& preset, std::vector<Option>& options) {
  const std::pair<std::string_view, std::string> settings[] = {
      {"sender-position", preset.sender_position.text()},
      {"meaning", to_text(preset.meaning, one_of(kPathMeanings))},
      {"mlps", to_text(preset.freeze_mlps, one_of(kFrozenMlps))},
      {"other-heads", to_text(preset.live_heads, one_of(kLiveHeads))},
      {"norms", to_text(preset.norms, one_of(kNormScales))},
      {"direction", to_text(preset.direction)},
      {"effect", to_text(preset.effect)}};
  for (const auto& [name, value] : settings) {
    const auto option = std::ranges::find(options, name, &Option::name);
    if (option != options.end()) option->value = value;
  }
}

}  // namespace

std::vector<PathPreset> presets_of(const PathPatching& settings) {
  std::vector<PathPreset> presets;
  for (const std::string& name : settings.preset) {
    PathPreset preset = find_preset(name);
    if (std::ranges::find(presets, preset.name, &PathPreset::name) != presets.end()) {
      throw FieldError("preset", fmt::format("{} is given twice; name each preset once", name));
    }
    preset.meaning = settings.meaning.value_or(preset.meaning);
    preset.norms = settings.norms.value_or(preset.norms);
    preset.freeze_mlps = settings.freeze_mlps.value_or(preset.freeze_mlps);
    preset.live_heads = settings.live_heads.value_or(preset.live_heads);
    preset.direction = settings.direction.value_or(preset.direction);
    preset.effect = settings.effect.value_or(preset.effect);
    if (settings.sender_position.is_given()) preset.sender_position = settings.sender_position;
    presets.push_back(std::move(preset));
  }
  return presets;
}

std::string text_of(const PathPreset& preset) {
  std::string how = to_text(preset.meaning, one_of(kPathMeanings));
  if (preset.meaning == PathMeaning::kHeadsFrozen) {
    how += fmt::format(" (MLPs {}, norms {}{})", to_text(preset.freeze_mlps, one_of(kFrozenMlps)),
                       to_text(preset.norms, one_of(kNormScales)),
                       preset.live_heads ? ", other heads live" : "");
  }
  return fmt::format("{}, senders at {}, {}; {} = {}; {}", how, preset.sender_position.text(),
                     name_of(preset.direction), name_of(preset.effect),
                     formula_of(preset.effect, preset.direction), preset.source);
}

std::vector<Option> recorded_options(const PathPatching& settings) {
  std::vector<Option> options = table_of(settings).options;
  const std::vector<PathPreset> presets = presets_of(settings);
  if (presets.size() == 1) record(presets.front(), options);
  return options;
}

}  // namespace patchbay::experiments
