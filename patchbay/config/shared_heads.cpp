#include "patchbay/config/shared_heads.h"

#include <fmt/format.h>

namespace patchbay {

std::string readers_of(const HookedTransformerConfig& cfg, std::int64_t key_value_head) {
  const std::int64_t group = cfg.n_heads / cfg.key_value_heads();
  const std::int64_t first = key_value_head * group;
  return fmt::format("heads {}-{}", first, first + group - 1);
}

std::string shared_heads_text(const HookedTransformerConfig& cfg) {
  constexpr std::int64_t kMost = 8;
  if (!cfg.grouped_queries()) return "";
  const std::int64_t count = cfg.key_value_heads();
  std::string text = fmt::format("key/value heads: 0 is read by {}", readers_of(cfg, 0));
  for (std::int64_t head = 1; head < count; ++head) {
    if (count > kMost && head == 2) {
      text += ", …";
      head = count - 1;
    }
    text += fmt::format(", {} by {}", head, readers_of(cfg, head));
  }
  return text;
}

}  // namespace patchbay
