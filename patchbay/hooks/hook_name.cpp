#include "patchbay/hooks/hook_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"

namespace patchbay {
namespace {

using enum Axis;
using enum HookPoint;

// TransformerLens's other words for the same points (utils.get_act_name).
constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
    {"attn", "pattern"},  {"attn_logits", "attn_scores"},
    {"query", "q"},       {"key", "k"},
    {"value", "v"},       {"mlp_pre", "pre"},
    {"mlp_post", "post"},
};

std::int64_t extent(Axis axis, const HookedTransformerConfig& cfg, std::int64_t batch,
                    std::int64_t pos) {
  switch (axis) {
    case kBatch:
      return batch;
    case kPos:
    case kQueryPos:
    case kKeyPos:
      return pos;
    case kHeadIndex:
      return cfg.n_heads;
    case kKeyValueHead:
      return cfg.key_value_heads();
    case kDHead:
      return cfg.d_head;
    case kDModel:
      return cfg.d_model;
    case kDMlp:
      return cfg.d_mlp;
    case kOne:
      return 1;
  }
  return 0;
}

[[noreturn]] void unknown(std::string_view name, const std::vector<std::string>& candidates) {
  throw Error(ErrorKind::kUsage, "hooks",
              fmt::format("there is no hook point \"{}\"{}", name,
                          candidates.empty() ? "" : did_you_mean(name, candidates)));
}

}  // namespace

std::string HookName::str() const { return fmt::format(fmt::runtime(info(point).pattern), layer); }

Shape HookName::shape(const HookedTransformerConfig& cfg, std::int64_t batch,
                      std::int64_t pos) const {
  std::vector<std::int64_t> extents;
  for (const Axis axis : info(point).axis_list()) extents.push_back(extent(axis, cfg, batch, pos));
  return Shape(extents);
}

std::string HookName::axes(const HookedTransformerConfig& cfg) const {
  std::vector<std::string_view> names;
  for (const Axis axis : info(point).axis_list()) names.push_back(name_of(axis, cfg));
  return fmt::format("[{}]", fmt::join(names, ", "));
}

bool HookName::is_in(const HookedTransformerConfig& cfg) const {
  const HookPointInfo& entry = info(point);
  return entry.is_in(cfg) && (entry.per_layer() ? layer >= 0 && layer < cfg.n_layers : layer == -1);
}

HookName HookName::parse(std::string_view name, const HookedTransformerConfig& cfg) {
  std::vector<std::string> known;
  for (const HookName& hook : hook_names(cfg)) {
    known.push_back(hook.str());
    if (known.back() == name) return hook;
  }
  unknown(name, known);
}

HookName HookName::of(std::string_view short_name, const HookedTransformerConfig& cfg, int layer,
                      std::string_view layer_type) {
  const std::int64_t n_layers = cfg.n_layers;
  std::string wanted(short_name);
  for (const auto& [alias, meaning] : kAliases) {
    if (alias == short_name) wanted = meaning;
  }
  if (!layer_type.empty()) wanted = fmt::format("{}.{}", layer_type, wanted);
  if (layer == kNoLayer && (wanted == "scale" || wanted == "normalized")) {
    wanted = "ln_final." + wanted;  // as TransformerLens reads ("scale",) without a layer
  }
  std::vector<std::string> known;
  for (const HookPointInfo& entry : hook_points()) {
    if (!entry.is_in(cfg)) continue;
    known.emplace_back(entry.short_name);
    if (entry.short_name != wanted) continue;
    if (!entry.per_layer()) {
      if (layer != kNoLayer) {
        throw Error(ErrorKind::kUsage, "hooks",
                    fmt::format("\"{}\" is not in a block; omit the layer", short_name));
      }
      return {entry.point, -1};
    }
    const std::int64_t from_start = layer < 0 ? layer + n_layers : layer;
    if (layer == kNoLayer || from_start < 0 || from_start >= n_layers) {
      throw Error(ErrorKind::kUsage, "hooks",
                  layer == kNoLayer
                      ? fmt::format("\"{}\" needs a layer, 0 to {}", short_name, n_layers - 1)
                      : fmt::format("\"{}\" in layer {}: the model has layers 0 to {}", short_name,
                                    layer, n_layers - 1));
    }
    return {entry.point, static_cast<int>(from_start)};
  }
  unknown(short_name, known);
}

std::strong_ordering operator<=>(const HookName& a, const HookName& b) {
  // Points before the blocks, then block by block, then points after them.
  const auto stage = [](const HookName& hook) {
    if (info(hook.point).per_layer()) return 1;
    return is_after_blocks(hook.point) ? 2 : 0;
  };
  if (const auto order = stage(a) <=> stage(b); order != 0) return order;
  if (const auto order = a.layer <=> b.layer; order != 0) return order;
  return a.point <=> b.point;
}

std::vector<HookName> hook_names(const HookedTransformerConfig& cfg) {
  std::vector<HookName> names;
  for (const HookPointInfo& entry : hook_points()) {
    if (!entry.is_in(cfg)) continue;
    const int layers = entry.per_layer() ? static_cast<int>(cfg.n_layers) : 1;
    for (int layer = 0; layer < layers; ++layer) {
      names.push_back({entry.point, entry.per_layer() ? layer : -1});
    }
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace patchbay
