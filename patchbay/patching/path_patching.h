// Path patching (Wang et al. 2022, appendix B, algorithm 1; Goldowsky-Dill et al. 2023): what goes
// from some components to others along chosen paths alone, instead of everything that they change.
//
// The field means several things by the words; PathMeaning and the switches of a PathSweep say
// which.
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
  /// those queries, keys or values; a head or all), mlp_in, mlp_pre and mlp_pre_linear (neurons),
  /// resid_pre, resid_mid and resid_post.
  /// With frozen heads all of a group are read in one run, so they do not see one another; the
  /// receivers of edges get theirs in forward order, each on top of what those before it changed.
  std::vector<Intervention> receivers;
  /// Whether the last step too is a path through no other head, to the final residual stream. If
  /// not, everything after the last receivers reacts to what they received, as in the paper's
  /// figures of queries and values.
  bool to_logits = true;
};

/// How the senders' new values get to the receivers.
enum class PathMeaning {
  /// By every way: everything after the senders reacts. Activation patching; no receivers.
  kEverything,
  /// Through the residual stream and any live MLPs, every other head keeping its output (Wang et
  /// al. 2022, appendix B).
  kHeadsFrozen,
  /// Through the residual stream alone: what the senders would write, less what they write in the
  /// unpatched run, is added to the receivers' input (callummcdougall/path_patching with
  /// direct_includes_mlps=False).
  kSkipEdge,
  /// The same less what they write in the patched run itself, so that a receiver reads the new
  /// value instead of the current one (ACDC, Conmy et al. 2023; edge attribution patching). Differs
  /// from kSkipEdge only where one receiver comes before another sender.
  kEdge,
  /// What the senders would write less what they write, divided by the scale of the receiver's ln1
  /// in the unpatched run and multiplied by its weight, is added to queries, keys or values through
  /// their projections (TransformerLens's direct_path_patching; no centring).
  kLinear,
};

/// Where the scales of norms come from while paths run with frozen heads.
enum class NormScale { kLive, kClean, kCorrupted };

struct PathSweep {
  Direction direction = Direction::kNoise;  ///< which run is patched; the paper's is noise
  /// All with the same number of receiver groups and the same end.
  std::vector<Path> paths;
  Source source{};
  const metrics::Metric& metric;
  PathMeaning meaning = PathMeaning::kHeadsFrozen;
  // Of kHeadsFrozen alone:
  /// MLPs keep the patched run's output too, so that paths are residual connections alone. A model
  /// without MLPs has none to freeze.
  bool freeze_mlps = false;
  /// Other heads react too: what receivers get is then everything that the senders change.
  bool live_heads = false;
  /// Frozen scales are those of the clean or the corrupted prompt, of every norm up to what the
  /// receivers read: ln1 of queries, keys and values, ln2 on the way, ln_final before the logits.
  /// Norms behind attention and MLP, and those of queries and keys, stay live.
  NormScale norms = NormScale::kLive;
  /// As Sweep has them; of kEverything alone.
  const RowEdits* embedding_edits = nullptr;
};

/// Throws what check_sweep throws of the senders, and kUsage for receivers that read nothing of the
/// stream, for paths of different lengths or ends, for switches that a meaning does not have, and,
/// where heads are frozen, for senders q_input, k_input and v_input and for senders that are part
/// of what a receiver of their own layer computes.
void check_path_sweep(const HookedTransformer& model, const PromptSet& prompts,
                      const PathSweep& sweep);

}  // namespace patchbay
