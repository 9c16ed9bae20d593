#include "patchbay/patching/memory_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "patchbay/base/error.h"

namespace patchbay {
namespace {

constexpr auto kFloat = static_cast<std::int64_t>(sizeof(float));

// An eighth is left for what allocation rounds up: a tensor of 2 MiB or more takes whole huge
// pages.
std::int64_t usable(std::int64_t memory) { return memory - memory / 8; }

// Everything that a half of a block holds at once for one row (Forward::attention_half, mlp_half).
// Attention at its end: the stream before and after, what is normalised, attn_out, a copy of picked
// rows, queries and z, keys and values; while it projects each head by itself, those results, with
// neither stream nor copy. The MLP: the stream, what is normalised, mlp_out, a copy, hidden layers.
std::int64_t bytes_of_row(const HookedTransformerConfig& cfg, const std::vector<HookName>& names) {
  const bool results = std::ranges::any_of(
      names, [](const HookName& name) { return name.point == HookPoint::kResult; });
  const std::int64_t heads = cfg.n_heads * cfg.d_head;
  const std::int64_t shared = cfg.key_value_heads() * cfg.d_head;
  const std::int64_t more_heads = results ? std::max<std::int64_t>(cfg.n_heads - 2, 0) : 0;
  const std::int64_t attention = (5 + more_heads) * cfg.d_model + 2 * heads + 2 * shared;
  const std::int64_t mlp = 4 * cfg.d_model + (cfg.gated_mlp ? 2 : 1) * cfg.d_mlp;
  constexpr std::int64_t kBookkeeping = 512;  // row numbers, pointers, edits
  return std::max(attention, mlp) * kFloat + kBookkeeping;
}

// What one token of a base run takes.
std::int64_t bytes_of_base(const HookedTransformerConfig& cfg) {
  const std::int64_t layer =
      3 * cfg.d_model + cfg.n_heads * cfg.d_head + 2 * cfg.key_value_heads() * cfg.d_head;
  return (cfg.n_layers * layer + cfg.d_model) * kFloat;
}

// And one of the recorded sources.
std::int64_t bytes_of_recorded(const HookedTransformerConfig& cfg, const Sweep& sweep,
                               const std::vector<HookName>& names) {
  std::int64_t recorded = 0;
  for (const HookName& name : names) {
    recorded += row_width(cfg, name, sweep.prompts.longest());
  }
  const std::int64_t copies = sweep.source.kind == SourceKind::kGaussian ? 2 : 1;
  return copies * recorded * kFloat;
}

}  // namespace

MemoryPlan::MemoryPlan(const RunContext& ctx, const HookedTransformerConfig& cfg,
                       const Sweep& sweep, const std::vector<HookName>& names)
    : longest_(sweep.prompts.longest()),
      base_bytes_(bytes_of_base(cfg)),
      recorded_bytes_(bytes_of_recorded(cfg, sweep, names)),
      row_bytes_(bytes_of_row(cfg, names)) {
  const std::int64_t tokens = sweep.metric.reads == metrics::Reads::kAnswers ? 256 : cfg.d_vocab;
  const std::int64_t rows = sweep.metric.reads == metrics::Reads::kEveryPosition ? longest_ : 1;
  logit_bytes_ = rows * tokens * kFloat;
  const std::int64_t prompt_bytes =
      longest_ * (base_bytes_ + recorded_bytes_) + replay_bytes(longest_);
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

std::int64_t MemoryPlan::planned_bytes(const std::vector<Prompt>& prompts,
                                       std::int64_t batch) const {
  std::int64_t tokens = 0;
  std::map<std::size_t, std::int64_t> of_length;  // what is recorded runs by length
  std::int64_t recorded_at_once = 0;
  for (const Prompt& prompt : prompts) {
    tokens += std::ssize(prompt);
    recorded_at_once = std::max(recorded_at_once, of_length[prompt.size()] += std::ssize(prompt));
  }
  const std::int64_t recording = recorded_at_once * row_bytes_ + std::ssize(prompts) * logit_bytes_;
  return std::max(tokens * (base_bytes_ + row_bytes_),
                  tokens * (base_bytes_ + recorded_bytes_) + std::max(recording, batch));
}

}  // namespace patchbay
