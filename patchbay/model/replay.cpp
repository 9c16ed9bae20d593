#include "patchbay/model/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "patchbay/base/error.h"

namespace patchbay {

HookName first_name_after(const HookedTransformerConfig& cfg, const Door& door) {
  if (door.layer == cfg.n_layers) return {HookPoint::kLnFinalScale, -1};
  const bool mid = door.half == Door::Half::kResidMid;
  return {mid ? HookPoint::kMlpIn : HookPoint::kResidPre, door.layer};
}

void check_start(const HookedTransformerConfig& cfg, const BaseRun& base,
                 const ReplayStart& start) {
  const auto fail = [](const std::string& what) { throw Error(ErrorKind::kUsage, "replay", what); };
  const int doors = static_cast<int>(cfg.n_layers);
  const bool beyond = start.door.half == Door::Half::kResidMid ? start.door.layer >= doors
                                                               : start.door.layer > doors;
  if (start.door.layer < 0 || beyond) {
    fail(fmt::format("there is no door in layer {}; the model has layers 0 to {}", start.door.layer,
                     doors - 1));
  }
  for (const std::int32_t prompt : start.base_prompt) {
    if (prompt >= 0 && prompt < static_cast<std::int64_t>(base.prompts.size())) continue;
    fail(fmt::format("the base run has no prompt {}", prompt));
  }
  for (const Row& row : start.rows) {
    const bool known =
        row.prompt >= 0 && row.prompt < static_cast<std::int64_t>(start.base_prompt.size());
    const auto length = [&] {
      const std::int32_t prompt = start.base_prompt[static_cast<std::size_t>(row.prompt)];
      return static_cast<std::int64_t>(base.prompts[static_cast<std::size_t>(prompt)].size());
    };
    if (known && row.position >= 0 && row.position < length()) continue;
    fail(fmt::format("a changed row is at sequence {}, position {}, which does not exist",
                     row.prompt, row.position));
  }
  const auto rows = static_cast<std::int64_t>(start.rows.size());
  if (RowSet(start.rows).size() != rows) {
    fail("a changed row is named twice; give each (sequence, position) once");
  }
  if (start.values.size() != rows * cfg.d_model) {
    fail(fmt::format("{} changed rows need {} values each; {} were given", rows, cfg.d_model,
                     start.values.size()));
  }
}

Stream changed_rows(const BaseRun& base, const ReplayStart& start) {
  const auto layer = static_cast<std::size_t>(start.door.layer);
  const Tensor& held = layer == base.layers.size()                ? base.resid_final
                       : start.door.half == Door::Half::kResidMid ? base.layers[layer].resid_mid
                                                                  : base.layers[layer].resid_pre;
  const std::int64_t width = held.shape()[1];
  const auto bytes = static_cast<std::size_t>(width) * sizeof(float);
  const ConstTensorView values =
      start.values.reshaped({static_cast<std::int64_t>(start.rows.size()), width});
  std::vector<Row> changed;
  for (std::size_t i = 0; i < start.rows.size(); ++i) {
    const Row row = start.rows[i];
    const std::int64_t prompt = start.base_prompt[static_cast<std::size_t>(row.prompt)];
    const float* before = held[base.row(prompt, row.position)].data();
    if (std::memcmp(values[static_cast<std::int64_t>(i)].data(), before, bytes) != 0) {
      changed.push_back(row);
    }
  }
  Stream stream{RowSet(std::move(changed)), {}};
  stream.resid = Tensor::uninitialized({stream.rows.size(), width});
  for (std::size_t i = 0; i < start.rows.size(); ++i) {
    const std::int64_t at = stream.rows.find(start.rows[i]);
    if (at < 0) continue;
    std::ranges::copy(values[static_cast<std::int64_t>(i)].flat(), stream.resid[at].data());
  }
  return stream;
}

}  // namespace patchbay
