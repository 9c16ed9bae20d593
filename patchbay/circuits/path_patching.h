// Path patching (Wang et al. 2022, appendix B, algorithm 1; Goldowsky-Dill et al. 2023): what goes
// from some components to others along chosen paths alone, instead of everything that they change.
//
// run_path_sweep computes the rows that the paths reach, with many paths in one product.
// run_path_sweep_plainly is its twin: the paper's passes, one after the other, with hooks that
// freeze the queries, keys and values of all heads. Both give the same bits.
#pragma once

#include <vector>

#include "patchbay/patching/sweep.h"

namespace patchbay {

/// A way through the model: from the senders to each group of receivers in turn, each step through
/// the residual stream and, unless they are frozen, through any MLPs, but through no other head.
struct Path {
  /// What gets the source's values first: places of any site that a sweep can patch.
  Intervention senders;
  /// What reads them, one group after the other. A group's sites are q, k and v (the inputs of
  /// those queries, keys or values; a head or all), mlp_in, resid_pre, resid_mid and resid_post.
  /// All of a group are recorded in one run, so they do not see one another.
  std::vector<Intervention> receivers;
  /// Whether the last step too is a path through no other head, to the final residual stream. If
  /// not, everything after the last receivers reacts to what they received, as in the paper's
  /// figures of queries and values.
  bool to_logits = true;
};

struct PathSweep {
  const PromptSet& prompts;
  Direction direction = Direction::kNoise;  ///< which run is patched; the paper's is noise
  /// All with the same number of receiver groups and the same end.
  std::vector<Path> paths;
  Source source{};
  const metrics::Metric& metric;
  /// MLPs keep the patched run's output too, so that paths are residual connections alone.
  bool freeze_mlps = false;
};

/// The metric of each (path, prompt), as SweepResult has it of (variant, prompt). Memory, journal
/// and errors as for run_sweep; also throws kUsage for receivers that read nothing of the stream
/// and for paths of different lengths or ends.
SweepResult run_path_sweep(const RunContext& ctx, const HookedTransformer& model,
                           const PathSweep& sweep, Journal* journal = nullptr);

SweepResult run_path_sweep_plainly(const RunContext& ctx, const HookedTransformer& model,
                                   const PathSweep& sweep);

}  // namespace patchbay
