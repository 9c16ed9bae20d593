#include "patchbay/circuits/path_checks.h"

#include <fmt/format.h>

#include <algorithm>

#include "patchbay/base/error.h"
#include "patchbay/patching/measurement.h"

namespace patchbay {
namespace {

using enum HookPoint;

constexpr HookPoint kReceiverSites[] = {
    kQ, kK, kV, kMlpIn, kMlpPre, kMlpPreLinear, kResidPre, kResidMid, kResidPost};
// What writes to the residual stream: the senders of edges.
constexpr HookPoint kWriters[] = {kZ,      kResult,   kAttnOut,  kMlpPost,
                                  kMlpOut, kResidPre, kResidMid, kResidPost};

bool is_head_input(HookPoint point) { return point == kQ || point == kK || point == kV; }

bool is_neuron(HookPoint point) { return point == kMlpPre || point == kMlpPreLinear; }

// Whether a change of one receiver of a group can reach another.
bool may_feed_one_another(const Intervention& group) {
  return std::ranges::any_of(group, [&](const Place& place) {
    const Place& first = group.front();
    const bool same_site =
        place.site == first.site || (is_head_input(place.site) && is_head_input(first.site));
    return place.layer != first.layer || !same_site;
  });
}

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorKind::kUsage, "path patching", what);
}

// What an edge may be: one step, from what writes to the stream to what reads it.
void check_edges(const PathSweep& sweep) {
  if (sweep.freeze_mlps || sweep.live_heads || sweep.norms != NormScale::kLive) {
    fail("frozen MLPs, live heads and frozen norms are switches of heads_frozen paths alone");
  }
  for (const Path& path : sweep.paths) {
    if (path.receivers.size() + (path.to_logits ? 1 : 0) != 1) {
      fail("an edge is one step; only heads_frozen paths lead from receivers to others");
    }
    for (const Place& sender : path.senders) {
      if (std::ranges::find(kWriters, sender.site) == std::end(kWriters)) {
        fail(
            fmt::format("{} does not write to the residual stream; senders of edges are heads (z "
                        "or result), attn_out, mlp_out, mlp_post and the stream itself",
                        info(sender.site).short_name));
      }
    }
    if (path.to_logits && sweep.meaning == PathMeaning::kLinear) {
      fail("the receivers of linear paths are q, k and v");
    }
    for (const Intervention& group : path.receivers) {
      for (const Place& place : group) {
        if (sweep.meaning == PathMeaning::kLinear && !is_head_input(place.site)) {
          fail("the receivers of linear paths are q, k and v");
        }
        if (is_neuron(place.site)) fail("single neurons are receivers of heads_frozen paths alone");
      }
    }
  }
}

}  // namespace

Sweep sweep_of_senders(const PathSweep& sweep) {
  Sweep senders{.prompts = sweep.prompts,
                .direction = sweep.direction,
                .variants = {},
                .source = sweep.source,
                .metric = sweep.metric};
  for (const Path& path : sweep.paths) senders.variants.push_back(path.senders);
  return senders;
}

void check_path_sweep(const HookedTransformer& model, const PathSweep& sweep) {
  check_sweep(model, sweep_of_senders(sweep));
  for (const Path& path : sweep.paths) {
    if (path.receivers.size() != sweep.paths.front().receivers.size() ||
        path.to_logits != sweep.paths.front().to_logits) {
      fail("the paths of one sweep need the same number of receiver groups and the same end");
    }
    for (const Intervention& group : path.receivers) {
      if (group.empty()) fail("a group of receivers names no place");
      for (const Place& place : group) {
        check_place(model.cfg(), place);
        if (std::ranges::find(kReceiverSites, place.site) == std::end(kReceiverSites)) {
          fail(
              fmt::format("{} reads nothing of the residual stream; receivers are q, k, v, mlp_in, "
                          "mlp_pre, resid_pre, resid_mid and resid_post",
                          info(place.site).short_name));
        }
      }
    }
  }
  if (sweep.meaning != PathMeaning::kHeadsFrozen) check_edges(sweep);
}

bool can_replay(const PathSweep& sweep) {
  if (sweep.norms != NormScale::kLive) return false;
  const bool edges = sweep.meaning != PathMeaning::kHeadsFrozen;
  return std::ranges::none_of(sweep.paths, [&](const Path& path) {
    return std::ranges::any_of(path.receivers, [&](const Intervention& group) {
      return (edges && may_feed_one_another(group)) ||
             std::ranges::any_of(group, [](const Place& place) { return is_neuron(place.site); });
    });
  });
}

HookPoint input_of(HookPoint receiver) {
  switch (receiver) {
    case kQ:
      return kQInput;
    case kK:
      return kKInput;
    case kV:
      return kVInput;
    default:
      return receiver;
  }
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
