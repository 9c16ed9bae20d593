#include "patchbay/circuits/edge_inputs.h"

#include <algorithm>
#include <set>

#include "patchbay/circuits/path_checks.h"
#include "patchbay/patching/measurement.h"

namespace patchbay {
namespace {

using enum HookPoint;

std::vector<HookName> received_names(const PathSweep& sweep) {
  std::set<HookName> names;
  for (const Path& path : sweep.paths) {
    for (const Intervention& group : path.receivers) {
      for (const Place& place : group) {
        names.insert({place.site, place.layer});
        names.insert({kLn1Scale, place.layer});
      }
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace

EdgeInputs::EdgeInputs(const RunContext& ctx, const HookedTransformer& model,
                       const PathSweep& sweep, const BaseRun& base)
    : model_(model),
      meaning_(sweep.meaning),
      base_(base),
      written_(ctx, model, base.prompts, patched_names(sweep_of_senders(sweep))) {
  if (meaning_ == PathMeaning::kLinear) {
    received_ = RecordedRuns(ctx, model, base.prompts, received_names(sweep));
  }
}

// A row of the stream as it was, before what is at `name`'s depth.
std::span<const float> EdgeInputs::stream_row(const HookName& name, std::int32_t base_prompt,
                                              std::int32_t position) const {
  const int depth = stream_depth(name);
  const auto layer = static_cast<std::size_t>(depth / 2);
  const Tensor& stream = layer == base_.layers.size() ? base_.resid_final
                         : depth % 2 == 1             ? base_.layers[layer].resid_mid
                                                      : base_.layers[layer].resid_pre;
  return stream.view()[base_.row(base_prompt, position)].flat();
}

std::vector<Carrier> EdgeInputs::carriers(std::int32_t base_prompt,
                                          const std::vector<Piece>& senders,
                                          const std::vector<std::span<const float>>& new_values,
                                          const std::vector<Piece>& receivers,
                                          std::deque<std::vector<float>>& rows) const {
  const HookedTransformerConfig& cfg = model_.cfg();
  std::vector<StreamChange> changes;
  for (std::size_t i = 0; i < senders.size(); ++i) {
    const Piece& piece = senders[i];
    changes.push_back(stream_change(
        cfg, model_.weights(), piece,
        written_.values(piece.name, base_prompt, piece.position, piece.begin, piece.count),
        new_values[i]));
  }
  std::vector<Piece> ends = receivers;
  if (ends.empty()) {  // to the logits: wherever something changes
    std::set<std::int32_t> positions;
    for (const StreamChange& change : changes) positions.insert(change.position);
    for (const std::int32_t position : positions) {
      ends.push_back({{kResidPost, static_cast<int>(cfg.n_layers) - 1}, position});
    }
  }
  std::vector<Carrier> carriers;
  for (const Piece& end : ends) {
    const int depth = stream_depth(end.name);
    if (meaning_ != PathMeaning::kLinear) {
      const auto old = stream_row(end.name, base_prompt, end.position);
      std::vector<float>& row = rows.emplace_back(old.begin(), old.end());
      add_changes(changes, depth, end.position, row);
      const HookPoint input = input_of(end.name.point);
      if (input == end.name.point) {
        carriers.push_back({end.name, end.position, 0, row});
        continue;
      }
      for (std::int64_t head = end.begin / cfg.d_head; head * cfg.d_head < end.begin + end.count;
           ++head) {
        carriers.push_back({{input, end.name.layer}, end.position, head * cfg.d_model, row});
      }
      continue;
    }
    std::vector<float> change(static_cast<std::size_t>(cfg.d_model));
    add_changes(changes, depth, end.position, change);
    const float scale =
        received_.values({kLn1Scale, end.name.layer}, base_prompt, end.position, 0, 1)[0];
    const auto old = received_.values(end.name, base_prompt, end.position, end.begin, end.count);
    std::vector<float>& row = rows.emplace_back(old.begin(), old.end());
    add_projection(model_.weights().blocks[static_cast<std::size_t>(end.name.layer)], end, change,
                   scale, row);
    carriers.push_back({end.name, end.position, end.begin, row});
  }
  return carriers;
}

}  // namespace patchbay
