#include "patchbay/patching/memory_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "patchbay/base/error.h"

namespace patchbay {
namespace {

constexpr auto kFloat = static_cast<std::int64_t>(sizeof(float));

// An eighth is left for what allocation rounds up: a tensor of 2 MiB or more takes whole huge
// pages.
std::int64_t usable(std::int64_t memory) { return memory - memory / 8; }

// Everything that a half of a block holds at once for one row: the stream, what is normalised,
// queries, keys, values, z, outputs, and the copies of rows that are picked out.
std::int64_t bytes_of_row(const HookedTransformerConfig& cfg, const std::vector<HookName>& names) {
  const bool results = std::ranges::any_of(
      names, [](const HookName& name) { return name.point == HookPoint::kResult; });
  const std::int64_t heads = cfg.n_heads * cfg.d_head;
  const std::int64_t shared = cfg.key_value_heads() * cfg.d_head;
  const std::int64_t attention =
      7 * cfg.d_model + 4 * heads + 3 * shared + (results ? cfg.n_heads * cfg.d_model : 0);
  const std::int64_t mlp = 5 * cfg.d_model + (cfg.gated_mlp ? 2 : 1) * cfg.d_mlp;
  constexpr std::int64_t kBookkeeping = 256;  // row numbers, pointers, edits
  return std::max(attention, mlp) * kFloat + kBookkeeping;
}

// What one token of a base run and of the recorded sources takes.
std::int64_t bytes_of_token(const HookedTransformerConfig& cfg, const Sweep& sweep,
                            const std::vector<HookName>& names) {
  const std::int64_t base = cfg.n_layers * (3 * cfg.d_model + cfg.n_heads * cfg.d_head +
                                            2 * cfg.key_value_heads() * cfg.d_head) +
                            cfg.d_model;
  std::int64_t recorded = 0;
  for (const HookName& name : names) {
    recorded += row_width(cfg, name, sweep.prompts.longest());
  }
  const std::int64_t copies = sweep.source.kind == SourceKind::kGaussian ? 2 : 1;
  return (base + copies * recorded) * kFloat;
}

}  // namespace

MemoryPlan::MemoryPlan(const RunContext& ctx, const HookedTransformerConfig& cfg,
                       const Sweep& sweep, const std::vector<HookName>& names)
    : longest_(sweep.prompts.longest()),
      token_bytes_(bytes_of_token(cfg, sweep, names)),
      row_bytes_(bytes_of_row(cfg, names)) {
  const std::int64_t tokens = sweep.metric.reads == metrics::Reads::kAnswers ? 256 : cfg.d_vocab;
  const std::int64_t rows = sweep.metric.reads == metrics::Reads::kEveryPosition ? longest_ : 1;
  logit_bytes_ = rows * tokens * kFloat;
  const std::int64_t prompt_bytes = longest_ * token_bytes_ + replay_bytes(longest_);
  const std::int64_t least = prompt_bytes + replay_bytes(longest_);
  const std::int64_t memory = usable(ctx.max_memory());
  if (least > memory) {
    constexpr std::int64_t kMebi = std::int64_t{1} << 20;
    throw Error(ErrorKind::kUsage, "memory",
                fmt::format("{} MiB do not hold the activations of one prompt; this sweep needs at "
                            "least {} MiB beside the model",
                            ctx.max_memory() / kMebi, least * 8 / 7 / kMebi + 1));
  }
  prompts_at_once_ = std::clamp<std::int64_t>(memory / 2 / prompt_bytes, 1, sweep.prompts.size());
  batch_bytes_ = memory - prompts_at_once_ * prompt_bytes;
}

}  // namespace patchbay
