#include "patchbay/circuits/frozen_run.h"

#include <algorithm>
#include <limits>
#include <set>

namespace patchbay {
namespace {

using enum HookPoint;

bool is_query(HookPoint point) { return point == kQInput || point == kQ || point == kRotQ; }

bool is_key_or_value(HookPoint point) {
  return point == kKInput || point == kVInput || point == kK || point == kV || point == kRotK;
}

// The heads of a carrier's block whose attention it changes.
void add_live_heads(const HookedTransformerConfig& cfg, const Carrier& carrier, std::int64_t length,
                    std::set<std::int64_t>& heads) {
  const HookPoint point = carrier.name.point;
  const bool shared = is_key_or_value(point);
  const bool input = point == kQInput || point == kKInput || point == kVInput;
  const std::int64_t width = is_attention(point) ? length : input ? cfg.d_model : cfg.d_head;
  const std::int64_t group = shared ? cfg.n_heads / cfg.key_value_heads() : 1;
  const std::int64_t end = carrier.begin + static_cast<std::int64_t>(carrier.values.size());
  for (std::int64_t head = carrier.begin / width * group; head * width < end * group; ++head) {
    heads.insert(head);
  }
}

bool is_of_heads(HookPoint point) {
  return is_query(point) || is_key_or_value(point) || is_attention(point);
}

bool enters_mlp(HookPoint point) {
  return point == kMlpIn || point == kMlpPre || point == kMlpPreLinear || point == kMlpPost;
}

// One block's edits.
class Block {
 public:
  Block(const FrozenValues& frozen, std::int32_t sequence, std::int32_t base_prompt, int layer,
        std::span<const Carrier> carriers, RowEdits& edits)
      : frozen_(frozen),
        layer_(static_cast<std::size_t>(layer)),
        sequence_(sequence),
        base_prompt_(base_prompt),
        edits_(edits) {
    for (const Carrier& carrier : carriers) {
      if (carrier.name.layer == layer) own_.push_back(&carrier);
    }
  }

  void freeze_heads(std::span<const std::int32_t> positions) {
    const HookedTransformerConfig& cfg = frozen_.cfg;
    const BaseRun::Layer& base = frozen_.base.layers[layer_];
    std::set<std::int64_t> live;
    const auto length = static_cast<std::int64_t>(
        frozen_.base.prompts[static_cast<std::size_t>(base_prompt_)].size());
    for (const Carrier* carrier : own_) {
      if (is_of_heads(carrier->name.point)) add_live_heads(cfg, *carrier, length, live);
    }
    for (const std::int32_t position : positions) {
      const bool projected = std::ranges::any_of(own_, [&](const Carrier* carrier) {
        return carrier->position == position &&
               (carrier->name.point == kZ || carrier->name.point == kResult);
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
      const bool live = std::ranges::any_of(own_, [&](const Carrier* carrier) {
        return carrier->position == position && enters_mlp(carrier->name.point);
      });
      if (live) continue;
      const HookName name{kMlpOut, static_cast<int>(layer_)};
      add(kMlpOut, position, 0,
          frozen_.mlp_out->values(name, base_prompt_, position, 0, frozen_.cfg.d_model));
    }
  }

 private:
  [[nodiscard]] std::span<const float> row_of(const Tensor& activation,
                                              std::int32_t position) const {
    return activation.view()[frozen_.base.row(base_prompt_, position)].flat();
  }
  void add(HookPoint point, std::int32_t position, std::int64_t begin,
           std::span<const float> values) {
    edits_.add({point, static_cast<int>(layer_)}, {{sequence_, position}, begin, values});
  }

  const FrozenValues& frozen_;
  std::size_t layer_;
  std::int32_t sequence_;
  std::int32_t base_prompt_;
  RowEdits& edits_;
  std::vector<const Carrier*> own_;  // of this block
};

}  // namespace

void add_frozen(const FrozenValues& frozen, std::int32_t sequence, std::int32_t base_prompt,
                std::span<const Carrier> carriers, int last_layer, RowEdits& edits) {
  const auto length =
      static_cast<std::int32_t>(frozen.base.prompts[static_cast<std::size_t>(base_prompt)].size());
  int first_layer = std::numeric_limits<int>::max();
  std::int32_t first_position = length;
  for (const Carrier& carrier : carriers) {
    first_layer = std::min(first_layer, carrier.name.layer);
    first_position = std::min(first_position, carrier.position);
  }
  // Later positions would read the changed keys and values.
  std::vector<std::int32_t> positions;
  for (std::int32_t position = first_position; position < length; ++position) {
    positions.push_back(position);
  }
  for (int layer = first_layer; layer <= last_layer; ++layer) {
    Block block(frozen, sequence, base_prompt, layer, carriers, edits);
    if (!frozen.live_heads) block.freeze_heads(positions);
    if (frozen.mlp_out != nullptr) block.freeze_mlp(positions);
  }
  add_carriers(sequence, carriers, edits);
}

void add_carriers(std::int32_t sequence, std::span<const Carrier> carriers, RowEdits& edits) {
  for (const Carrier& carrier : carriers) {
    edits.add(carrier.name, {{sequence, carrier.position}, carrier.begin, carrier.values});
  }
}

}  // namespace patchbay
