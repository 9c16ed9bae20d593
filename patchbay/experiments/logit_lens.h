// The logit lens (nostalgebraist 2020): the residual stream before each block, read as if it were
// the last one.
#pragma once

#include "patchbay/experiments/settings_common.h"

namespace patchbay::experiments {

struct LogitLens {
  static constexpr std::string_view kName = "logit_lens";
  static constexpr std::string_view kSummary =
      "what the model would say if it stopped before each block";

  /// Where ln_final's scale is from: each layer's own stream, or the whole run's last one.
  enum class Scale { kFresh, kCached };
  static constexpr Choice<Scale> kScales[] = {{"fresh", Scale::kFresh}, {"cached", Scale::kCached}};

  Scale scale = Scale::kFresh;
  const metrics::Metric* metric = &metrics::find("logit_diff");  ///< of the last position

  template <class Visitor>
  void visit(Visitor& v) {
    v("scale", scale, one_of(kScales),
      "fresh: ln_final normalises each layer's stream on its own; cached: its scale is the whole "
      "run's, as in TransformerLens's demos");
    v("metric", metric,
      "what is measured at END; kl_divergence compares with what the clean run says in the end");
  }
};

/// Throws what `run` would throw, without running anything.
void check(Session& session, const LogitLens& settings);
/// [side, layer, prompt]: the metric of the stream before each block, and of the last one.
EffectTable run(Session& session, const LogitLens& settings);
/// The entry in the list of experiments.
const Experiment& logit_lens();

}  // namespace patchbay::experiments
