#include "patchbay/hooks/stream_order.h"

namespace patchbay {

using enum HookPoint;

int stream_order(const HookedTransformerConfig& cfg, const HookName& name) {
  const int before = 2 * name.layer;
  const int between = before + 1;
  const int after = before + 2;
  switch (info(name.point).stream) {
    case StreamUse::kIs:
      return name.point == kResidPre ? before : name.point == kResidMid ? between : after;
    case StreamUse::kWrittenByAttn:
      return between;
    case StreamUse::kWrittenByMlp:
      return after;
    case StreamUse::kReadByMlp:
      return stream_read_by(cfg, name.point) == kResidMid ? between : before;
    case StreamUse::kReadByAttn:
    case StreamUse::kNone:
      return before;
  }
  return before;
}

HookPoint stream_read_by(const HookedTransformerConfig& cfg, HookPoint point) {
  switch (info(point).stream) {
    case StreamUse::kReadByAttn:
      return kResidPre;
    case StreamUse::kReadByMlp:
      return cfg.parallel_attn_mlp ? kResidPre : kResidMid;
    default:
      return point;
  }
}

}  // namespace patchbay
