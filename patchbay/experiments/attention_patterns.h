// Where heads look: attention from one position to others, of every prompt, clean and corrupted, as
// Wang et al. 2022 look at it to say what a head does.
#pragma once

#include "patchbay/experiments/settings_common.h"

namespace patchbay::experiments {

struct AttentionPatterns {
  static constexpr std::string_view kName = "attention_patterns";
  static constexpr std::string_view kSummary =
      "where heads look: attention from one position to others";
  static constexpr ExampleText kExample[] = {{"nodes", "2.2,2.3"}, {"src-positions", "IO,S1,S2"}};

  enum class Side { kBoth, kClean, kCorrupted };
  static constexpr Choice<Side> kSides[] = {
      {"both", Side::kBoth}, {"clean", Side::kClean}, {"corrupted", Side::kCorrupted}};

  Indices layers = {};
  Indices heads = {};
  NodeList nodes = {};  ///< instead of layers and heads
  Side side = Side::kBoth;
  PositionList dest_positions = {"END"};  ///< "every": by number, even where prompts differ
  PositionList src_positions = {"all"};

  template <class Visitor>
  void visit(Visitor& v) {
    v("layers", layers, kLayersHelp);
    v("heads", heads, kHeadsHelp);
    v("nodes", nodes, "instead of layers and heads: these heads, such as 9.9,10.0");
    v("side", side, one_of(kSides), "which runs: both, clean, corrupted");
    v("dest-positions", dest_positions,
      "where the heads look from: names or numbers of positions; all; every: all, even where "
      "prompts differ in length");
    v("src-positions", src_positions,
      "where they look to: names or numbers of positions, all, or every");
  }
};

/// Throws what `run` would throw, without running anything.
void check(Session& session, const AttentionPatterns& settings);
/// [side, layer, head, destination, source, prompt], or node for layer and head: the attention; NaN
/// where a prompt has no such position and where the source comes after the destination.
EffectTable run(Session& session, const AttentionPatterns& settings);
/// The entry in the list of experiments.
const Experiment& attention_patterns();

}  // namespace patchbay::experiments
