#include "patchbay/circuits/path_checks.h"

#include <fmt/format.h>

#include <algorithm>

#include "patchbay/base/error.h"
#include "patchbay/patching/measurement.h"

namespace patchbay {
namespace {

using enum HookPoint;

constexpr HookPoint kReceiverSites[] = {kQ, kK, kV, kMlpIn, kResidPre, kResidMid, kResidPost};

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
  const auto fail = [](const std::string& what) {
    throw Error(ErrorKind::kUsage, "path patching", what);
  };
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
                          "resid_pre, resid_mid and resid_post",
                          info(place.site).short_name));
        }
      }
    }
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
