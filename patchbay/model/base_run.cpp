#include "patchbay/model/base_run.h"

namespace patchbay {

using enum HookPoint;

BaseRun::Part BaseRun::part_of(const HookedTransformerConfig& cfg, HookPoint point) {
  switch (point) {
    case kResidPre:
    case kResidPost:  // the next block's resid_pre
      return &Layer::resid_pre;
    case kK:  // before norm and turn
      return cfg.is_rotary() || info(kKNormScale).is_in(cfg) ? nullptr : &Layer::k;
    case kRotK:
      return &Layer::k;
    case kV:
      return &Layer::v;
    case kZ:
      return &Layer::z;
    case kAttnOut:
      return &Layer::attn_out;
    case kResidMid:
      return &Layer::resid_mid;
    default:
      return nullptr;
  }
}

const Tensor* BaseRun::find(const HookedTransformerConfig& cfg, const HookName& name) const {
  const Part part = part_of(cfg, name.point);
  if (part == nullptr) return nullptr;
  const std::size_t layer =
      static_cast<std::size_t>(name.layer) + (name.point == kResidPost ? 1U : 0U);
  return layer == layers.size() ? &resid_final : &(layers[layer].*part);
}

}  // namespace patchbay
