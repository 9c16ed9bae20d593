#include "patchbay/experiments/path_presets_common.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"

namespace patchbay::experiments {
namespace {

// In the order of PathMeaning and NormScale.
constexpr std::array<std::string_view, 4> kMeanings = {"heads_frozen", "skip_edge", "edge",
                                                       "linear"};
constexpr std::array<std::string_view, 3> kNorms = {"live", "clean", "corrupted"};
constexpr std::array<std::string_view, 2> kMlps = {"live", "frozen"};
constexpr std::array<std::string_view, 2> kHeads = {"frozen", "live"};

std::vector<PathPreset> known_presets() {
  return {
      {.name = "paper", .source = "Wang et al. 2022, appendix B, algorithm 1, and Figure 3b"},
      {.name = "easy_transformer",
       .source = "redwoodresearch/Easy-Transformer, ioi_utils.py, path_patching; experiments.py"},
      {.name = "arena",
       .source = "ARENA 1.4.1, get_path_patch_head_to_final_resid_post and _to_heads, ioi_metric_2",
       .sender_position = "all",
       .effect = EffectKind::kOfGap},
      {.name = "path_patching_lib",
       .source = "callummcdougall/path_patching, path_patching.py, direct_includes_mlps=True; it "
                 "leaves the metric to its user",
       .sender_position = "all",
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
       .sender_position = "all",
       .effect = EffectKind::kFraction},
      {.name = "acdc_edge",
       .source = "Conmy et al. 2023 (ACDC), an edge's sender replaced by its corrupted value",
       .meaning = PathMeaning::kEdge,
       .sender_position = "all",
       .effect = EffectKind::kRaw},
  };
}

PathPreset find_preset(const std::string& name) {
  std::vector<std::string> names;
  for (PathPreset& preset : known_presets()) {
    if (preset.name == name) return preset;
    names.emplace_back(preset.name);
  }
  throw Error(ErrorKind::kUsage, "--preset",
              fmt::format("there is no preset \"{}\"{}; there are {}", name,
                          did_you_mean(name, names), fmt::join(names, ", ")));
}

// The index of what an option says; `otherwise` when it says nothing.
std::size_t index_of(const Settings& settings, std::string_view option,
                     std::span<const std::string_view> names, std::size_t otherwise) {
  if (!settings.is_given(option)) return otherwise;
  const std::string name = settings.choice(option, names);
  return static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
}

}  // namespace

std::vector<PathPreset> presets_of(const Settings& settings) {
  std::vector<PathPreset> presets;
  for (const std::string& name : settings.list("preset")) {
    PathPreset preset = find_preset(name);
    if (std::ranges::find(presets, preset.name, &PathPreset::name) != presets.end()) {
      throw Error(ErrorKind::kUsage, "--preset",
                  fmt::format("{} is there twice; name each preset once", name));
    }
    preset.meaning = static_cast<PathMeaning>(
        index_of(settings, "meaning", kMeanings, static_cast<std::size_t>(preset.meaning)));
    preset.norms = static_cast<NormScale>(
        index_of(settings, "norms", kNorms, static_cast<std::size_t>(preset.norms)));
    preset.freeze_mlps = index_of(settings, "mlps", kMlps, preset.freeze_mlps ? 1 : 0) == 1;
    preset.live_heads = index_of(settings, "other-heads", kHeads, preset.live_heads ? 1 : 0) == 1;
    if (settings.is_given("direction")) {
      preset.direction = parse_direction(settings.text("direction"));
    }
    if (settings.is_given("sender-position")) {
      preset.sender_position = settings.text("sender-position");
    }
    if (settings.is_given("effect")) preset.effect = parse_effect_kind(settings.text("effect"));
    presets.push_back(std::move(preset));
  }
  return presets;
}

std::string text_of(const PathPreset& preset) {
  std::string how(kMeanings[static_cast<std::size_t>(preset.meaning)]);
  if (preset.meaning == PathMeaning::kHeadsFrozen) {
    how += fmt::format(" (MLPs {}, norms {}{})", kMlps[preset.freeze_mlps ? 1 : 0],
                       kNorms[static_cast<std::size_t>(preset.norms)],
                       preset.live_heads ? ", other heads live" : "");
  }
  return fmt::format("{}, senders at {}, {}; {} = {}; {}", how, preset.sender_position,
                     name_of(preset.direction), name_of(preset.effect),
                     formula_of(preset.effect, preset.direction), preset.source);
}

void record(const PathPreset& preset, std::vector<Option>& options) {
  const std::pair<std::string_view, std::string_view> settings[] = {
      {"sender-position", preset.sender_position},
      {"meaning", kMeanings[static_cast<std::size_t>(preset.meaning)]},
      {"mlps", kMlps[preset.freeze_mlps ? 1 : 0]},
      {"other-heads", kHeads[preset.live_heads ? 1 : 0]},
      {"norms", kNorms[static_cast<std::size_t>(preset.norms)]},
      {"direction", name_of(preset.direction)},
      {"effect", name_of(preset.effect)}};
  for (const auto& [name, value] : settings) {
    const auto option = std::ranges::find(options, name, &Option::name);
    if (option != options.end()) option->value = std::string(value);
  }
}

}  // namespace patchbay::experiments
