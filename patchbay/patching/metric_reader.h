// The metric of runs of a sweep: which logits it reads of them, and their numbers.
#pragma once

#include <optional>
#include <vector>

#include "patchbay/metrics/metric.h"
#include "patchbay/model/hooked_transformer.h"
#include "patchbay/patching/source.h"

namespace patchbay {

class MetricReader {
 public:
  /// Of prompts [first, last).
  MetricReader(const RunContext& ctx, const metrics::Metric& metric, const Sides& sides,
               std::int64_t first, std::int64_t last);

  /// What a run must produce for the metric.
  [[nodiscard]] const Demand& demand() const { return demand_; }
  /// Logits of the clean runs of these prompts, which a metric that compares with them needs before
  /// it reads any others.
  void set_clean(Logits clean) { clean_ = std::move(clean); }

  /// The metric of each sequence of a run: sequence i is of the pair prompts[i], its clean or its
  /// corrupted prompt.
  enum class Side { kBase, kOther };
  [[nodiscard]] std::vector<double> read(const Logits& logits, Side side,
                                         const std::vector<std::int64_t>& prompts) const;

 private:
  const RunContext& ctx_;
  const metrics::Metric& metric_;
  Sides sides_;
  std::int64_t first_;
  Demand demand_;
  std::optional<Logits> clean_;  // of all tokens at the last position
};

}  // namespace patchbay
