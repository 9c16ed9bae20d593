#include "patchbay/patching/frozen_run.h"

#include <algorithm>
#include <limits>
#include <set>

namespace patchbay {
namespace {

using enum HookPoint;

// The heads of a carrier's block whose attention it changes.
void add_live_heads(const HookedTransformerConfig& cfg, const Edit& one, std::int64_t length,
                    std::set<std::int64_t>& live) {
  const HookPoint point = one.name.point;
  const bool shared = info(point).unit() == Unit::kKeyValueHead;
  const std::int64_t heads = shared ? cfg.key_value_heads() : cfg.n_heads;
  const std::int64_t width = row_width(cfg, one.name, length) / heads;  // of one head
  const std::int64_t group = cfg.n_heads / heads;
  const std::int64_t end = one.begin + static_cast<std::int64_t>(one.values.size());
  for (std::int64_t head = one.begin / width * group; head * width < end * group; ++head) {
    live.insert(head);
  }
}

// Whether single heads compute their attention with it.
bool enters_heads(HookPoint point) {
  const Unit unit = info(point).unit();
  return (unit == Unit::kHead || unit == Unit::kKeyValueHead) && !info(point).writes_stream();
}

// One block's edits.
class FrozenBlock {
 public:
  FrozenBlock(const FrozenValues& frozen, std::int32_t sequence, std::size_t prompt, int layer,
              std::span<const Edit> given, RowEdits& edits)
      : frozen_(frozen),
        run_(*frozen.base.run),
        layer_(static_cast<std::size_t>(layer)),
        sequence_(sequence),
        prompt_(prompt),
        base_prompt_(frozen.base.index[prompt]),
        edits_(edits) {
    for (const Edit& one : given) {
      if (one.name.layer == layer) own_.push_back(&one);
    }
  }

  void freeze_heads(std::span<const std::int32_t> positions) {
    const HookedTransformerConfig& cfg = frozen_.cfg;
    const BaseRun::Layer& base = run_.layers[layer_];
    std::set<std::int64_t> live;
    const auto length =
        static_cast<std::int64_t>(run_.prompts[static_cast<std::size_t>(base_prompt_)].size());
    for (const Edit* one : own_) {
      if (enters_heads(one->name.point)) add_live_heads(cfg, *one, length, live);
    }
    for (const std::int32_t position : positions) {
      const bool projected = std::ranges::any_of(own_, [&](const Edit* one) {
        return one->position == position && one->name.point >= kZ && one->name.point < kAttnOut;
      });
      if (live.empty() && !projected) {
        add(kAttnOut, position, 0, row_of(base.attn_out, position));
        continue;
      }
      if (live.empty()) {
        add(kZ, position, 0, row_of(base.z, position));
        continue;
      }
      const std::span<const float> z = row_of(base.z, position);
      const std::span<const float> input = row_of(base.resid_pre, position);
      for (std::int64_t head = 0; head < cfg.n_heads; ++head) {
        if (live.contains(head)) {
          const std::int64_t shared = cfg.key_value_head_of(head);
          add(kQInput, position, head * cfg.d_model, input);
          add(kKInput, position, shared * cfg.d_model, input);
          add(kVInput, position, shared * cfg.d_model, input);
        } else {
          add(kZ, position, head * cfg.d_head,
              z.subspan(static_cast<std::size_t>(head * cfg.d_head),
                        static_cast<std::size_t>(cfg.d_head)));
        }
      }
    }
  }

  void freeze_mlp(std::span<const std::int32_t> positions) {
    for (const std::int32_t position : positions) {
      const bool live = std::ranges::any_of(own_, [&](const Edit* one) {
        return one->position == position && is_inside_mlp(one->name.point);
      });
      if (live) continue;
      const HookName name{kMlpOut, static_cast<int>(layer_)};
      add(kMlpOut, position, 0,
          frozen_.mlp_out->values(name, static_cast<std::int64_t>(prompt_), position, 0,
                                  frozen_.cfg.d_model));
    }
  }

  void freeze_norms(std::span<const std::int32_t> positions) {
    for (const HookPointInfo& of : hook_points()) {
      const HookName name{of.point, static_cast<int>(layer_)};
      if (!of.scales_stream || !name.is_in(frozen_.cfg)) continue;
      for (const std::int32_t position : positions) {
        add(of.point, position, 0,
            frozen_.scales->values(name, static_cast<std::int64_t>(prompt_), position, 0, 1));
      }
    }
  }

 private:
  [[nodiscard]] std::span<const float> row_of(const Tensor& activation,
                                              std::int32_t position) const {
    return activation.view()[run_.row(base_prompt_, position)].flat();
  }
  void add(HookPoint point, std::int32_t position, std::int64_t begin,
           std::span<const float> values) {
    edits_.add({point, static_cast<int>(layer_)}, {{sequence_, position}, begin, values});
  }

  const FrozenValues& frozen_;
  const BaseRun& run_;
  std::size_t layer_;
  std::int32_t sequence_;
  std::size_t prompt_;        // of the frozen values
  std::int32_t base_prompt_;  // in their base run
  RowEdits& edits_;
  std::vector<const Edit*> own_;  // of this block
};

}  // namespace

void add_frozen(const FrozenValues& frozen, std::int32_t sequence, std::size_t prompt,
                std::span<const Edit> given, int last_layer, RowEdits& edits) {
  const std::int32_t base_prompt = frozen.base.index[prompt];
  const auto length = static_cast<std::int32_t>(
      frozen.base.run->prompts[static_cast<std::size_t>(base_prompt)].size());
  int first_layer = std::numeric_limits<int>::max();
  std::int32_t first_position = length;
  for (const Edit& one : given) {
    first_layer = std::min(first_layer, one.name.layer);
    first_position = std::min(first_position, one.position);
  }
  if (frozen.other_scales) first_layer = first_position = 0;
  // Later positions would read the changed keys and values.
  std::vector<std::int32_t> positions;
  for (std::int32_t position = first_position; position < length; ++position) {
    positions.push_back(position);
  }
  for (int layer = first_layer; layer <= last_layer; ++layer) {
    FrozenBlock block(frozen, sequence, prompt, layer, given, edits);
    if (!frozen.live_heads) block.freeze_heads(positions);
    if (frozen.mlp_out != nullptr) block.freeze_mlp(positions);
    if (frozen.scales != nullptr) block.freeze_norms(positions);
  }
  add_edits(sequence, given, edits);
}

void add_edits(std::int32_t sequence, std::span<const Edit> given, RowEdits& edits) {
  for (const Edit& one : given) {
    edits.add(one.name, {{sequence, one.position}, one.begin, one.values});
  }
}

}  // namespace patchbay
