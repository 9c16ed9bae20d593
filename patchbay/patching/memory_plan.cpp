#include "patchbay/patching/memory_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "patchbay/base/error.h"

namespace patchbay {
namespace {

constexpr auto kFloat = static_cast<std::int64_t>(sizeof(float));
constexpr auto kAveraged = static_cast<std::int64_t>(sizeof(double));  // a mean while it is summed

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
  // Inputs of single heads are copied while all that is there.
  std::set<HookPoint> points;
  for (const HookName& name : names) points.insert(name.point);
  std::int64_t inputs = 0;
  for (const HookPoint point : points) {
    if (is_head_input(point)) inputs += HookName{point, 0}.shape(cfg, 1, 1).size();
  }
  const std::int64_t heads = cfg.n_heads * cfg.d_head;
  const std::int64_t shared = cfg.key_value_heads() * cfg.d_head;
  const std::int64_t more_heads = results ? std::max<std::int64_t>(cfg.n_heads - 2, 0) : 0;
  const std::int64_t parallel = cfg.parallel_attn_mlp ? 1 : 0;  // what the MLP will read
  const std::int64_t attention =
      (5 + more_heads + parallel) * cfg.d_model + 2 * heads + 2 * shared + inputs;
  const std::int64_t mlp = (4 + parallel) * cfg.d_model + (cfg.gated_mlp ? 2 : 1) * cfg.d_mlp;
  constexpr std::int64_t kBookkeeping = 512;  // row numbers, pointers, edits
  return std::max(attention, mlp) * kFloat + kBookkeeping;
}

bool is_kept(const HookedTransformerConfig& cfg, const HookName& name) {
  return BaseRun::keeps(cfg, name.point);
}

// What one token takes of names that are recorded: all, or those that the base run of the same
// prompts, where there is one, does not have.
std::int64_t bytes_of_recorded(const HookedTransformerConfig& cfg, std::int64_t longest,
                               const std::vector<HookName>& names, bool has_base) {
  std::int64_t floats = 0;
  for (const HookName& name : names) {
    if (!has_base || !is_kept(cfg, name)) floats += row_width(cfg, name, longest);
  }
  return floats * kFloat;
}

}  // namespace

MemoryPlan::MemoryPlan(const RunContext& ctx, const HookedTransformerConfig& cfg, Needs needs)
    : needs_(std::move(needs)),
      reads_other_(reads_other_side(needs_.source)),
      held_(std::ranges::any_of(needs_.names,
                                [&](const HookName& name) { return is_kept(cfg, name); })),
      d_model_(cfg.d_model),
      base_bytes_(base_run_bytes(cfg)),
      own_bytes_(bytes_of_recorded(cfg, needs_.sides.prompts.longest(), needs_.own_names, true)),
      row_bytes_(std::max(bytes_of_row(cfg, needs_.names), bytes_of_row(cfg, needs_.own_names))) {
  const std::int64_t longest = needs_.sides.prompts.longest();
  const std::int64_t tokens = needs_.reads == metrics::Reads::kAnswers ? 256 : cfg.d_vocab;
  const std::int64_t rows = needs_.reads == metrics::Reads::kEveryPosition ? longest : 1;
  logit_bytes_ = rows * tokens * kFloat;
  const std::int64_t means = needs_.means * kAveraged;
  const std::int64_t memory = usable(ctx.max_memory()) - means;
  const std::int64_t prompts = needs_.sides.prompts.size();
  const auto bytes_of_prompt = [&](std::int64_t base_runs) {
    recorded_bytes_ = needs_.source == SourceKind::kZero
                          ? 0
                          : bytes_of_recorded(cfg, longest, needs_.names, base_runs == 2);
    if (needs_.source == SourceKind::kGaussian) {  // noisy copies
      recorded_bytes_ += bytes_of_recorded(cfg, longest, needs_.names, false);
    }
    return longest * (base_runs * base_bytes_ + recorded_bytes_ + own_bytes_) +
           replay_bytes(longest);
  };
  std::int64_t prompt_bytes = bytes_of_prompt(2);
  const bool both_fit = prompts * prompt_bytes <= memory / 2;
  if (needs_.is_last || !both_fit) prompt_bytes = bytes_of_prompt(1);
  const std::int64_t least = prompt_bytes + replay_bytes(longest);
  if (least > memory) {
    constexpr std::int64_t kMebi = std::int64_t{1} << 20;
    throw Error(ErrorKind::kUsage, "memory",
                fmt::format("{} MiB do not hold the activations of one prompt; this sweep needs at "
                            "least {} MiB beside the model",
                            ctx.max_memory() / kMebi, (means + least) * 8 / 7 / kMebi + 1));
  }
  prompts_at_once_ = std::clamp<std::int64_t>(memory / 2 / prompt_bytes, 1, prompts);
  if (!needs_.is_last && prompts * prompt_bytes <= memory / 2) {
    keeps_ = both_fit ? Keeps::kBothSides : Keeps::kPatchedSide;
    own_kept_ = prompts * longest * base_bytes_ * (both_fit ? 2 : 1);
  }
  const std::int64_t group = std::max(memory / 2, prompts_at_once_ * prompt_bytes);
  const std::int64_t of_this_sweep =
      recorded_bytes_ + own_bytes_ +
      (keeps_ == Keeps::kNothing || needs_.own_base ? base_bytes_ : 0);
  most_kept_ = group - prompts_at_once_ * longest * of_this_sweep;
  batch_bytes_ = memory - group;
}

std::int64_t MemoryPlan::planned_bytes(std::int64_t first, std::int64_t last, std::int64_t batch,
                                       const KeptRuns& kept) const {
  std::vector<Prompt> base;
  std::vector<Prompt> source;
  for (std::int64_t i = first; i < last; ++i) {
    base.push_back(needs_.sides.base(i));
    source.push_back(reads_other_ ? needs_.sides.other(i) : needs_.sides.base(i));
  }
  source = distinct(source);
  const std::int64_t base_tokens = tokens_of(needs_.own_base ? base : distinct(base));
  const std::int64_t source_tokens = tokens_of(source);
  // The other side's base run, where it is what the source is read from.
  const bool has_other = keeps_ == Keeps::kBothSides && held_ && reads_other_;
  const std::int64_t other_tokens = has_other ? source_tokens : 0;
  std::map<std::size_t, std::int64_t> of_length;  // what is recorded runs by length
  std::int64_t recorded_at_once = 0;
  for (const Prompt& prompt : source) {
    recorded_at_once = std::max(recorded_at_once, of_length[prompt.size()] += std::ssize(prompt));
  }
  if (recorded_bytes_ + own_bytes_ == 0) recorded_at_once = 0;
  const std::int64_t recording = pass_bytes(recorded_at_once, last - first);
  const std::int64_t recorded = source_tokens * recorded_bytes_;
  const std::int64_t held = (base_tokens + other_tokens) * base_bytes_ + base_tokens * own_bytes_;
  const std::int64_t averaging = needs_.means * kAveraged + recorded + recording;
  const std::int64_t replays =
      needs_.means * kFloat + (is_mean(needs_.source) ? 0 : recorded) + batch;
  const std::int64_t most =
      std::max({held + other_tokens * row_bytes_, base_tokens * (base_bytes_ + row_bytes_),
                held + std::max(averaging, replays)});
  std::vector<std::vector<Prompt>> sides;  // that are read from base runs which others may share
  if (!needs_.own_base) sides.push_back(std::move(base));
  if (has_other) sides.push_back(std::move(source));
  return std::max<std::int64_t>(most - kept.bytes_of(sides), 0);
}

std::int64_t MemoryPlan::pass_bytes(std::int64_t rows, std::int64_t sequences) const {
  constexpr std::int64_t kHugePage = std::int64_t{2} << 20;
  const std::int64_t stream = rows * d_model_ * kFloat;
  // Tensors smaller than a huge page lie between what others have given back.
  const std::int64_t block = rows * row_bytes_ * (stream < kHugePage ? 4 : 3) / 3;
  // Stream, what is normalised, and rows that were picked are there while logits are computed.
  return std::max(block, 3 * stream + sequences * logit_bytes_);
}

}  // namespace patchbay
