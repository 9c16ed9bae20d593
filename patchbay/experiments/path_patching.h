// Path patching (Wang et al. 2022, appendix B, and what else the field calls so): what senders say
// to receivers along chosen paths. The receivers are the logits, or the queries, keys and values of
// heads, MLPs, neurons or the residual stream of a block, one group after the other.
#pragma once

#include "patchbay/experiments/settings_common.h"
#include "patchbay/patching/path_patching.h"

namespace patchbay::experiments {

/// Groups of receivers, one after the other: "v:5.5 > q:9.9,9.6;k:7.3 > logits".
class ReceiverPath : public Selection {
 public:
  using Selection::Selection;
  /// Heads that read with their queries, keys, values or patterns: kQ, kK, kV or kPattern.
  ReceiverPath(HookPoint site, std::initializer_list<Head> heads);
};

inline constexpr Choice<PathMeaning> kPathMeanings[] = {{"heads_frozen", PathMeaning::kHeadsFrozen},
                                                        {"skip_edge", PathMeaning::kSkipEdge},
                                                        {"edge", PathMeaning::kEdge},
                                                        {"linear", PathMeaning::kLinear}};
inline constexpr Choice<NormScale> kNormScales[] = {
    {"live", NormScale::kLive}, {"clean", NormScale::kClean}, {"corrupted", NormScale::kCorrupted}};
inline constexpr Choice<bool> kFrozenMlps[] = {{"live", false}, {"frozen", true}};
inline constexpr Choice<bool> kLiveHeads[] = {{"frozen", false}, {"live", true}};

struct PathPatching {
  static constexpr std::string_view kName = "path_patching";
  static constexpr std::string_view kSummary =
      "what senders say to receivers along paths through no other head (direct effects)";
  static constexpr ExampleText kExample[] = {{"receiver", "q:2.2,2.3"},
                                             {"receiver-position", "END"}};
  static constexpr bool kCanBeSharded = true;

  std::vector<std::string> preset = {"paper"};
  NodeList sender = {"heads"};  ///< "heads", "mlps", "nodes" …, or a list: "9.9,9.6+10.0,mlp3"
  PositionList sender_position = {};
  ReceiverPath receiver = {"logits"};
  PositionList receiver_position = {};
  bool each_receiver = false;
  // What is not said is the preset's.
  std::optional<PathMeaning> meaning = {};
  std::optional<bool> freeze_mlps = {};
  std::optional<bool> live_heads = {};
  std::optional<NormScale> norms = {};
  std::optional<Direction> direction = {};
  Source source = {};
  const metrics::Metric* metric = &metrics::find("logit_diff");
  std::optional<EffectKind> effect = {};
  Aggregate aggregate = Aggregate::kRatioOfMeans;

  template <class Visitor>
  void visit(Visitor& v) {
    v("preset", preset,
      "whose path patching: paper, easy_transformer, arena, path_patching_lib, pyvene, "
      "transformer_lens_linear, acdc_edge; several are compared. It sets what is not said below");
    v("sender", sender,
      "what gets the other run's values: heads, mlps, attn_outs or nodes, each in turn; or a list "
      "such as 9.9,9.6+10.0,mlp3,attn_out:4,neuron:4.100,embed, where + joins what is patched at "
      "once");
    v("sender-position", sender_position,
      "where senders are patched: numbers, names of the task, or all; the preset's if not said");
    v("receiver", receiver,
      "where paths end: logits, or inputs such as q:9.6,9.9 or k:5.5;v:7.3 or pattern:5.5 or "
      "mlp_in:4 or neuron:4.100 or resid_pre:8; > leads on from one group to the next: v:5.5 > "
      "q:9.9 > logits");
    v("receiver-position", receiver_position,
      "where receivers read: numbers, names of the task, or all");
    v("each-receiver", each_receiver,
      "yes: an axis of receivers, each alone, instead of a group at once");
    v("meaning", meaning, one_of(kPathMeanings),
      "what a path is: heads_frozen, skip_edge, edge, linear; the preset's if not said");
    v("mlps", freeze_mlps, one_of(kFrozenMlps),
      "live: paths go through MLPs too; frozen: through the residual stream alone; the preset's if "
      "not said");
    v("other-heads", live_heads, one_of(kLiveHeads),
      "frozen, or live: what receivers get is all that the senders change");
    v("norms", norms, one_of(kNormScales),
      "live; clean or corrupted: the scales of that prompt while heads are frozen");
    v("direction", direction,
      "noise: the clean run with corrupted values; denoise: the corrupted run with clean values; "
      "the preset's if not said");
    visit_source(v, source);
    visit_measure(v, *this,
                  "shown first: raw, fraction, recovered, percent_of_clean, of_gap; the preset's "
                  "if not said");
  }
};

/// Throws what `run` would throw, without running anything.
void check(Session& session, const PathPatching& settings);
/// [preset, layer, head, prompt] or sender, and receiver: the metric with each path patched; of one
/// preset without its axis.
EffectTable run(Session& session, const PathPatching& settings);
/// The entry in the list of experiments.
const Experiment& path_patching();

}  // namespace patchbay::experiments
