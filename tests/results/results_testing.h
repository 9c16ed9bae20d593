// Tables that the tests of patchbay/results share.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "patchbay/base/split_mix.h"
#include "patchbay/results/effect_table.h"

namespace patchbay::testing {

/// A prompt without such a cell.
inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

inline std::vector<std::string> counted(std::size_t n) {
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < n; ++i) labels.push_back(std::to_string(i));
  return labels;
}

/// A table of [cell, prompt] with these effects put into the clean run: clean is 0 everywhere, so
/// that values are raw effects.
inline EffectTable raw_table(const std::vector<std::vector<double>>& effects) {
  EffectTable table;
  table.experiment = "made_up";
  table.metric = "logit_diff";
  table.direction = Direction::kNoise;
  table.effect = EffectKind::kRaw;
  table.axes = {{"cell", counted(effects.size())}, {"prompt", counted(effects.front().size())}};
  for (const auto& cell : effects) {
    table.values.insert(table.values.end(), cell.begin(), cell.end());
  }
  table.baselines.clean.assign(effects.front().size(), 0);
  return table;
}

/// From 0 to 1, with 53 random bits.
inline double uniform(SplitMix64& random) {
  return static_cast<double>(random.next() >> 11) * 0x1p-53;
}

/// A table of [cell, prompt] with both baselines, some of whose gaps are small.
inline EffectTable random_table(std::size_t cells, std::size_t prompts, Direction direction,
                                std::uint64_t seed) {
  SplitMix64 random(seed);
  EffectTable table;
  table.experiment = "made_up";
  table.metric = "logit_diff";
  table.direction = direction;
  table.axes = {{"cell", counted(cells)}, {"prompt", counted(prompts)}};
  for (std::size_t i = 0; i < prompts; ++i) {
    table.baselines.clean.push_back(3 * uniform(random));
    table.baselines.corrupted.push_back(uniform(random) - 0.5);
  }
  for (std::size_t i = 0; i < cells * prompts; ++i) {
    const double between = uniform(random);
    const std::size_t prompt = i % prompts;
    table.values.push_back(between * table.baselines.clean[prompt] +
                           (1 - between) * table.baselines.corrupted[prompt]);
  }
  return table;
}

/// Two layers of two heads, three prompts; the fourth cell is missing in the last prompt.
inline EffectTable small_table() {
  EffectTable table;
  table.experiment = "activation_patching";
  table.options = {{"site", std::string("z")},
                   {"layers", std::vector<std::string>{"0", "1"}},
                   {"all_positions", true},
                   {"seed", std::int64_t{7}},
                   {"noise", 3.0}};
  table.metric = "logit_diff";
  table.direction = Direction::kDenoise;
  table.axes = {{"layer", {"0", "1"}}, {"head", {"0", "1"}}, {"prompt", {"0", "1", "2"}}};
  table.values = {0.5, -0.25, 1, 0.5, -0.25, 1.25, 2, 1.5, 2.5, 0.1, -0.0, kMissing};
  table.baselines = {{2, 1.5, 3}, {0.5, -0.25, 1}};
  table.columns = {{"clean", {"When \"Mary\" and John", "Amélie, to", "one\ntwo"}},
                   {"answer", {" Mary", " John", " Tom"}}};
  table.notes = {"1 prompt has no position S2."};
  table.provenance = {.model = "tiny-gpt2",
                      .model_sha256 = std::string(64, 'a'),
                      .weight_processing = {"fold_layer_norm"},
                      .task = "ioi",
                      .prepend_bos = true,
                      .tokens_sha256 = "",
                      .version = "0.1.0",
                      .command = "patchbay patch ioi"};
  return table;
}

}  // namespace patchbay::testing
