// Causal tracing (Meng et al. 2022, "Locating and editing factual associations in GPT",
// section 2.1): noise on the embeddings of a subject, and one state at a time restored from the run
// without it.
#pragma once

#include "patchbay/experiments/settings_common.h"

namespace patchbay::experiments {

/// What can be restored, by name.
OneOf<HookPoint> restored_sites();

struct CausalTracing {
  static constexpr std::string_view kName = "causal_tracing";
  static constexpr std::string_view kSummary =
      "noise on a subject's embeddings, one state restored at a time (ROME)";
  static constexpr ExampleText kExample[] = {{"subject", "S2"}, {"positions", "S2,END"}};
  static constexpr bool kCanBeSharded = true;

  HookPoint site = HookPoint::kResidPost;
  std::vector<std::string> subject = {};  ///< positions of the task; none: its first one
  PositionList positions = {};
  Indices layers = {};
  std::int64_t window = 0;  ///< at most the model's layers; 0: the site's usual one
  double noise = 3.0;
  std::int64_t draws = 10;
  std::uint64_t noise_seed = 0;
  const metrics::Metric* metric = &metrics::find("prob");
  EffectKind effect = EffectKind::kRaw;
  Aggregate aggregate = Aggregate::kRatioOfMeans;

  template <class Visitor>
  void visit(Visitor& v) {
    v("site", site, restored_sites(), "what is restored: resid_post, attn_out or mlp_out");
    v("subject", subject,
      "named positions whose embeddings get noise; the task's first one by default");
    v("positions", positions, kPositionsHelp);
    v("layers", layers, "only windows around these layers");
    v("window", window, "layers restored at once; 0: 1 of resid_post, 10 of attn_out and mlp_out");
    v("noise", noise, "the noise's standard deviation, in those of the token embeddings");
    v("draws", draws, Range{1, 1'000'000}, "how often noise is drawn; values are means over draws");
    v("noise-seed", noise_seed, "draw other noise");
    visit_measure(v, *this);
  }
};

/// Throws what `run` would throw, without running anything.
void check(Session& session, const CausalTracing& settings);
/// [layer, position, prompt]: the metric with one window restored; corrupted is the noisy run.
EffectTable run(Session& session, const CausalTracing& settings);
/// The entry in the list of experiments.
const Experiment& causal_tracing();

}  // namespace patchbay::experiments
