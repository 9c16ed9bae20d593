#include "patchbay/patching/path_checks.h"

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "patchbay/base/error.h"
#include "patchbay/patching/frozen_paths.h"

namespace patchbay {
namespace {

// Queries, keys and values.
bool is_read_by_heads(HookPoint point) { return info(point).stream == StreamUse::kReadByAttn; }

bool is_neuron(HookPoint point) { return info(point).unit() == Unit::kNeuron; }

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorKind::kUsage, "path patching", what);
}

void check_switches(const PathSweep& sweep) {
  if (sweep.freeze_mlps || sweep.live_heads || sweep.norms != NormScale::kLive) {
    fail("frozen MLPs, live heads and frozen norms are switches of heads_frozen paths alone");
  }
}

void check_total(const PathSweep& sweep) {
  check_switches(sweep);
  for (const Path& path : sweep.paths) {
    if (!path.receivers.empty()) fail("what takes every way has no receivers; name a meaning");
  }
}

// What an edge may be: one step, from what writes to the stream to what reads it.
void check_edges(const HookedTransformerConfig& cfg, const PathSweep& sweep) {
  check_switches(sweep);
  for (const Path& path : sweep.paths) {
    if (path.receivers.size() + (path.to_logits ? 1 : 0) != 1) {
      fail("an edge is one step; only heads_frozen paths lead from receivers to others");
    }
    for (const Place& sender : path.senders) {
      if (!info(sender.site).writes_stream() && !info(sender.site).is_stream()) {
        fail(
            fmt::format("{} does not write to the residual stream; senders of edges are heads (z "
                        "or result), attn_out, mlp_out, mlp_post and the stream itself",
                        info(sender.site).short_name));
      }
      const bool part_of_output =
          info(sender.site).writes_stream() && info(sender.site).unit() != Unit::kRow;
      if (part_of_output) check_outputs_add_up(cfg, "path patching");
    }
    if (path.to_logits && sweep.meaning == PathMeaning::kLinear) {
      fail("the receivers of linear paths are q, k and v");
    }
    for (const Intervention& group : path.receivers) {
      for (const Place& place : group) {
        if (sweep.meaning == PathMeaning::kLinear && !is_read_by_heads(place.site)) {
          fail("the receivers of linear paths are q, k and v");
        }
        if (is_neuron(place.site)) fail("single neurons are receivers of heads_frozen paths alone");
      }
    }
  }
}

// Whether the receiver computes with the sender within its own half of a block: there is no way
// through the stream from one to the other, and what a receiver reads of the other is left open.
bool is_within(const Place& sender, const Place& receiver) {
  const HookPointInfo& of = info(sender.site);
  if (sender.layer != receiver.layer || of.is_stream() || of.writes_stream()) return false;
  const StreamUse reader = info(receiver.site).stream;
  return is_inside_mlp(sender.site)
             ? reader == StreamUse::kReadByMlp
             : sender.site < HookPoint::kAttnOut && reader == StreamUse::kReadByAttn;
}

// Whether a head computes its queries anew from what is put in there, or they are frozen like those
// of the other heads, no paper says.
void check_heads_frozen(const PathSweep& sweep) {
  for (const Path& path : sweep.paths) {
    if (path.receivers.empty() && !path.to_logits) {
      fail("a path without receivers leads to the logits; set to_logits, or name receivers");
    }
    for (const Place& sender : path.senders) {
      if (is_head_input(sender.site) && !sweep.live_heads) {
        fail(fmt::format(
            "{} is no sender where heads are frozen; name q, k or v, or `other-heads` live",
            info(sender.site).short_name));
      }
      for (const Intervention& group : path.receivers) {
        for (const Place& receiver : group) {
          if (!is_within(sender, receiver)) continue;
          fail(fmt::format(
              "{} of layer {} lies inside of what its receiver {} computes, so no path through "
              "the stream joins them; name other layers",
              info(sender.site).short_name, sender.layer, info(receiver.site).short_name));
        }
      }
    }
  }
}

}  // namespace

std::vector<HookName> sender_names(const PathSweep& sweep) {
  std::set<HookName> names;
  for (const Path& path : sweep.paths) {
    for (const Place& place : path.senders) names.insert({place.site, place.layer});
  }
  return {names.begin(), names.end()};
}

void check_sweep(const HookedTransformer& model, const PromptSet& prompts, const Sweep& sweep) {
  const auto refuse = [](const char* what) { throw Error(ErrorKind::kUsage, "patching", what); };
  if (sweep.direction == Direction::kNone) refuse("a sweep needs a direction: noise or denoise");
  if (prompts.pairs.empty()) refuse("there are no prompts to patch");
  for (const Intervention& variant : sweep.variants) {
    if (variant.empty()) refuse("an intervention names no place");
    for (const Place& place : variant) check_place(model.cfg(), prompts, place);
  }
  if (!std::isfinite(sweep.source.sigma) || sweep.source.sigma < 0) {
    refuse("sigma, the noise's standard deviation, is a number from 0 on");
  }
  if (!sweep.metric.compute) refuse("the metric has no function");
  metrics::check_pairs(sweep.metric, prompts);
  if (sweep.direction == Direction::kDenoise) prompts.require_corrupted("`direction` denoise");
  if (reads_other_side(sweep.source.kind)) {
    prompts.require_corrupted(fmt::format("`source` {}", name_of(sweep.source.kind)));
  }
  if (sweep.embedding_edits == nullptr) return;
  if (sweep.source.kind == SourceKind::kGaussian || sweep.source.kind == SourceKind::kResample) {
    refuse(
        "with edited embeddings the source is the other run, zeros or means: values of the "
        "patched side would be those of its unedited run");
  }
  std::vector<std::int64_t> lengths;
  for (const PromptPair& pair : prompts.pairs) lengths.push_back(std::ssize(pair.clean));
  check_edits(model.cfg(), *sweep.embedding_edits, lengths);
}

void check_path_sweep(const HookedTransformer& model, const PromptSet& prompts,
                      const PathSweep& sweep) {
  Sweep senders{.direction = sweep.direction,
                .variants = {},
                .source = sweep.source,
                .metric = sweep.metric,
                .embedding_edits = sweep.embedding_edits};
  for (const Path& path : sweep.paths) senders.variants.push_back(path.senders);
  check_sweep(model, prompts, senders);
  for (const Path& path : sweep.paths) {
    if (path.receivers.size() != sweep.paths.front().receivers.size() ||
        path.to_logits != sweep.paths.front().to_logits) {
      fail("the paths of one sweep need the same number of receiver groups and the same end");
    }
    for (const Intervention& group : path.receivers) {
      if (group.empty()) fail("a group of receivers names no place");
      for (const Place& place : group) {
        check_place(model.cfg(), prompts, place);
        if (!info(place.site).reads_stream() && !info(place.site).is_stream()) {
          fail(
              fmt::format("{} reads nothing of the residual stream; receivers are q, k, v, mlp_in, "
                          "mlp_pre, resid_pre, resid_mid and resid_post",
                          info(place.site).short_name));
        }
      }
    }
  }
  if (has_other_norms(sweep)) {
    prompts.require_corrupted(sweep.direction == Direction::kNoise ? "`norms` corrupted"
                                                                   : "`direction` denoise");
  }
  if (sweep.embedding_edits != nullptr && sweep.meaning != PathMeaning::kEverything) {
    fail("embeddings are edited where everything reacts alone");
  }
  if (sweep.meaning == PathMeaning::kHeadsFrozen) check_heads_frozen(sweep);
  if (sweep.meaning == PathMeaning::kEverything) check_total(sweep);
  if (is_edge(sweep.meaning)) check_edges(model.cfg(), sweep);
}

std::optional<std::vector<std::vector<Piece>>> pieces_of_path(const HookedTransformerConfig& cfg,
                                                              const Path& path,
                                                              const PairSides& sides) {
  std::vector<std::vector<Piece>> steps;
  auto senders = pieces_of(cfg, path.senders, sides);
  if (!senders) return std::nullopt;
  steps.push_back(std::move(*senders));
  for (const Intervention& group : path.receivers) {
    auto pieces = pieces_of(cfg, group, sides);
    if (!pieces) return std::nullopt;
    steps.push_back(std::move(*pieces));
  }
  return steps;
}

}  // namespace patchbay
