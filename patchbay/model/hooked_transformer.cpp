#include "patchbay/model/hooked_transformer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>

#include "patchbay/base/error.h"
#include "patchbay/base/float_environment.h"
#include "patchbay/model/forward.h"
#include "patchbay/tensor/activation.h"
#include "patchbay/tensor/target.h"

namespace patchbay {
namespace {

std::vector<std::int64_t> lengths_of(const std::vector<Prompt>& prompts) {
  std::vector<std::int64_t> lengths;
  for (const Prompt& prompt : prompts) lengths.push_back(static_cast<std::int64_t>(prompt.size()));
  return lengths;
}

RowSet demanded_rows(const Demand& demand, std::span<const std::int64_t> lengths) {
  if (demand.logits != Demand::At::kRows && !demand.rows.empty()) {
    throw Error(ErrorKind::kUsage, "demand",
                "rows are named, but logits elsewhere are demanded; set `logits` to At::kRows, or "
                "omit the rows");
  }
  switch (demand.logits) {
    case Demand::At::kNowhere:
      return {};
    case Demand::At::kEverywhere:
      return RowSet::all(lengths);
    case Demand::At::kLastPosition:
      return RowSet::all(lengths).where([&](const Row& row) {
        return row.position + 1 == lengths[static_cast<std::size_t>(row.sequence)];
      });
    case Demand::At::kRows:
      break;
  }
  for (const Row& row : demand.rows) {
    const bool inside =
        row.sequence >= 0 && row.sequence < static_cast<std::int32_t>(lengths.size()) &&
        row.position >= 0 && row.position < lengths[static_cast<std::size_t>(row.sequence)];
    if (inside) continue;
    throw Error(ErrorKind::kUsage, "demand",
                fmt::format("logits were demanded at prompt {}, position {}, which does not exist",
                            row.sequence, row.position));
  }
  return RowSet(demand.rows);
}

// What hooks see: whole prompts, [batch, pos, …].
Observers make_observers(const HookedTransformerConfig& cfg, std::span<const std::int64_t> lengths,
                         const Hooks& hooks, const NamesFilter& keep) {
  if (hooks.empty() && keep.empty()) return {};
  for (std::size_t prompt = 1; prompt < lengths.size(); ++prompt) {
    if (lengths[prompt] == lengths[0]) continue;
    throw Error(ErrorKind::kUsage, "hooks",
                fmt::format("prompt {} has {} tokens and prompt 0 has {}; hooks and caches see "
                            "[batch, pos, ...], so run groups of equally long prompts",
                            prompt, lengths[prompt], lengths[0]));
  }
  return {cfg, hooks, keep, static_cast<std::int64_t>(lengths.size()),
          lengths.empty() ? 0 : lengths[0]};
}

void check_first_layer(int first) {
  if (first < 0) {
    throw Error(ErrorKind::kUsage, "replay",
                "a replay begins after the embeddings; change or hook those in a whole run");
  }
}

}  // namespace

std::span<const float> Logits::at(std::int32_t prompt, std::int32_t position) const& {
  const auto [begin, end] = rows.of_sequence(prompt);
  const std::int64_t index = position < 0 ? end + position : rows.find({prompt, position});
  if (index < begin || index >= end) {
    throw Error(ErrorKind::kUsage, "logits",
                fmt::format("the run was not asked for logits at prompt {}, position {}", prompt,
                            position));
  }
  return values[index].flat();
}

HookedTransformer::HookedTransformer(const RunContext& ctx, HookedTransformerConfig cfg,
                                     Weights weights, std::optional<Tokenizer> tokenizer)
    : cfg_(std::move(cfg)), tokenizer_(std::move(tokenizer)) {
  const FloatEnvironment environment;
  require_fused_multiply_add();
  check_weights(cfg_, weights);
  if (weights.processing.center_unembed && cfg_.output_logits_soft_cap > 0) {
    throw Error(ErrorKind::kUsage, "weights",
                "center_unembed changes what a model with capped logits predicts; leave it out");
  }
  if (cfg_.positions_at_queries_and_keys() &&
      (weights.processing.fold_layer_norm || weights.processing.center_writing_weights)) {
    throw Error(ErrorKind::kUsage, "weights",
                "fold_layer_norm and center_writing_weights change what a model predicts whose "
                "queries and keys alone read positions (shortformer); leave them out");
  }
  if (tokenizer_ && static_cast<std::int64_t>(tokenizer_->d_vocab()) > cfg_.d_vocab) {
    throw Error(ErrorKind::kBadConfig, "model",
                fmt::format("the tokenizer knows {} tokens and the model {}; they do not belong "
                            "together",
                            tokenizer_->d_vocab(), cfg_.d_vocab));
  }
  weights_ = std::make_shared<const Weights>(std::move(weights));
  packed_ = std::make_shared<const PackedWeights>(pack_weights(ctx, cfg_, *weights_));
}

const Weights& HookedTransformer::weights() const {
  if (weights_ != nullptr) return *weights_;
  throw Error(ErrorKind::kUsage, "model", "this model was moved from; use where it went");
}

const Tokenizer& HookedTransformer::tokenizer() const {
  if (tokenizer_) return *tokenizer_;
  throw Error(ErrorKind::kUsage, "model", cfg_.no_tokenizer());
}

Prompt HookedTransformer::to_tokens(std::string_view text, bool prepend_bos) const {
  return tokenizer().to_tokens(text, {.prepend_bos = prepend_bos});
}

void HookedTransformer::check_prompts(const std::vector<Prompt>& prompts) const {
  static_cast<void>(weights());
  const auto fail = [&](std::size_t prompt, const std::string& what) {
    const std::string which = prompts.size() == 1 ? "the prompt" : fmt::format("prompt {}", prompt);
    throw Error(ErrorKind::kUsage, "prompt", fmt::format("{} {}", which, what));
  };
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto length = static_cast<std::int64_t>(prompts[i].size());
    if (length == 0) fail(i, "is empty; a run needs at least one token");
    if (length > cfg_.n_ctx) {
      fail(i,
           fmt::format("has {} tokens; {} reads at most {}", length, cfg_.model_name, cfg_.n_ctx));
    }
    for (const TokenId token : prompts[i]) {
      if (token >= 0 && token < cfg_.d_vocab) continue;
      fail(i, fmt::format("holds token {}; the vocabulary has 0 to {}", token, cfg_.d_vocab - 1));
    }
  }
}

void HookedTransformer::check_demand(const Demand& demand) const {
  for (const TokenId token : demand.tokens) {
    if (token >= 0 && token < cfg_.d_vocab) continue;
    throw Error(ErrorKind::kUsage, "demand",
                fmt::format("the logit of token {} was demanded; the vocabulary has 0 to {}", token,
                            cfg_.d_vocab - 1));
  }
}

Logits HookedTransformer::run(const RunContext& ctx, const std::vector<Prompt>& prompts,
                              const Demand& demand) const {
  return run_with_cache(ctx, prompts, {}, {}, demand).first;
}

Logits HookedTransformer::run_with_hooks(const RunContext& ctx, const std::vector<Prompt>& prompts,
                                         const Hooks& hooks, const Demand& demand) const {
  return run_with_cache(ctx, prompts, {}, hooks, demand).first;
}

std::pair<Logits, ActivationCache> HookedTransformer::run_with_cache(
    const RunContext& ctx, const std::vector<Prompt>& prompts, const NamesFilter& keep,
    const Hooks& hooks, const Demand& demand) const {
  check_prompts(prompts);
  check_demand(demand);
  const FloatEnvironment environment;
  const std::vector<std::int64_t> lengths = lengths_of(prompts);
  const RowEdits no_edits;
  const Forward::Task whole{
      .lengths = lengths, .demanded = demanded_rows(demand, lengths), .edits = no_edits};
  Observers observers = make_observers(cfg_, lengths, hooks, keep);
  Forward forward(ctx, {cfg_, *weights_, *packed_}, whole, observers);
  const Tensor normalized = forward.run(forward.embed(prompts), 0);
  return {unembed(ctx, normalized, whole.demanded, demand.tokens), std::move(observers.cache())};
}

BaseRun HookedTransformer::base_run(const RunContext& ctx, const std::vector<Prompt>& prompts,
                                    const RowEdits& edits) const {
  check_prompts(prompts);
  const FloatEnvironment environment;
  const std::vector<std::int64_t> lengths = lengths_of(prompts);
  BaseRun base;
  base.weights = weights_;
  base.prompts = prompts;
  std::exclusive_scan(lengths.begin(), lengths.end(), std::back_inserter(base.first_row),
                      std::int64_t{0});
  check_edits(cfg_, edits, lengths);
  for (const auto& [name, list] : edits.entries()) {
    if (list.empty() || !is_after_blocks(name.point)) continue;
    throw Error(
        ErrorKind::kUsage, "edits",
        fmt::format("a base run ends before {}; give that edit to its replays", name.str()));
  }
  const Forward::Task whole{
      .lengths = lengths, .demanded = RowSet::all(lengths), .edits = edits, .keep = &base};
  Observers nobody;
  Forward forward(ctx, {cfg_, *weights_, *packed_}, whole, nobody);
  forward.run(forward.embed(prompts), 0);
  return base;
}

Logits HookedTransformer::replay(const RunContext& ctx, const BaseRun& base,
                                 const ReplayStart& start, const Demand& demand) const {
  return replay_with_cache(ctx, base, start, {}, {}, demand).first;
}

// Checks a replay's start.
std::vector<std::int64_t> HookedTransformer::sequence_lengths(const BaseRun& base,
                                                              const ReplayStart& start) const {
  if (base.weights.get() != &weights()) {
    throw Error(ErrorKind::kUsage, "replay",
                "the base run is of another model, or of other weights; make it with this model's "
                "base_run");
  }
  std::vector<std::int64_t> lengths;  // [sequence]
  for (const std::int32_t prompt : start.base_prompt) {
    if (prompt < 0 || prompt >= static_cast<std::int64_t>(base.prompts.size())) {
      throw Error(ErrorKind::kUsage, "replay",
                  fmt::format("the base run has no prompt {}", prompt));
    }
    lengths.push_back(
        static_cast<std::int64_t>(base.prompts[static_cast<std::size_t>(prompt)].size()));
  }
  check_edits(cfg_, start.edits, lengths);
  return lengths;
}

void HookedTransformer::replay_rows(const RunContext& ctx, const BaseRun& base,
                                    const ReplayStart& start, std::span<RowRead> reads) const {
  const FloatEnvironment environment;
  const std::vector<std::int64_t> lengths = sequence_lengths(base, start);
  int first = start.edits.first_layer(static_cast<int>(cfg_.n_layers));
  for (const RowRead& read : reads) {
    if (!Forward::can_read(read.name.point) || !read.name.is_in(cfg_)) {
      throw Error(ErrorKind::kUsage, "replay",
                  fmt::format("rows of {} cannot be read from a replay; take the residual stream, "
                              "or what attention or MLP computes; a cache has the rest",
                              read.name.str()));
    }
    for (const Row& row : read.rows) {
      if (row.sequence >= 0 && row.sequence < std::ssize(lengths) && row.position >= 0 &&
          row.position < lengths[static_cast<std::size_t>(row.sequence)]) {
        continue;
      }
      throw Error(
          ErrorKind::kUsage, "replay",
          fmt::format("there is no sequence {}, position {} to read", row.sequence, row.position));
    }
    first = std::min(first, read.name.layer);
  }
  check_first_layer(first);
  const RowSet nothing;
  const Forward::Task task{.lengths = lengths,
                           .demanded = nothing,
                           .base_prompt = start.base_prompt,
                           .base = &base,
                           .edits = start.edits,
                           .reads = reads};
  Observers nobody;
  Forward(ctx, {cfg_, *weights_, *packed_}, task, nobody)
      .run({{}, Tensor({0, cfg_.d_model})}, first);
}

std::pair<Logits, ActivationCache> HookedTransformer::replay_with_cache(
    const RunContext& ctx, const BaseRun& base, const ReplayStart& start, const NamesFilter& keep,
    const Hooks& hooks, const Demand& demand) const {
  check_demand(demand);
  const FloatEnvironment environment;
  const auto n_layers = static_cast<int>(cfg_.n_layers);
  const std::vector<std::int64_t> lengths = sequence_lengths(base, start);
  const Forward::Task task{.lengths = lengths,
                           .demanded = demanded_rows(demand, lengths),
                           .base_prompt = start.base_prompt,
                           .base = &base,
                           .edits = start.edits};
  Observers observers = make_observers(cfg_, lengths, hooks, keep);
  const int first = std::min(start.edits.first_layer(n_layers), observers.first_layer(n_layers));
  check_first_layer(first);
  Forward forward(ctx, {cfg_, *weights_, *packed_}, task, observers);
  const Tensor normalized = forward.run({{}, Tensor({0, cfg_.d_model})}, first);
  return {unembed(ctx, normalized, task.demanded, demand.tokens), std::move(observers.cache())};
}

Logits HookedTransformer::unembed(const RunContext& ctx, const Tensor& normalized, RowSet rows,
                                  const std::vector<TokenId>& tokens) const {
  if (rows.empty()) return {};
  const float cap = cfg_.output_logits_soft_cap;
  if (tokens.empty()) {
    Logits logits{std::move(rows), Tensor::uninitialized({normalized.shape()[0], cfg_.d_vocab})};
    matmul(ctx, normalized, packed_->unembed.w, packed_->unembed.b, logits.values);
    if (cap > 0) soft_cap(ctx, cap, logits.values);
    return logits;
  }
  std::vector<float> bias;
  for (const TokenId token : tokens) {
    bias.push_back(packed_->unembed.b[static_cast<std::size_t>(token)]);
  }
  Logits logits{
      std::move(rows),
      Tensor::uninitialized({normalized.shape()[0], static_cast<std::int64_t>(tokens.size())}),
      tokens};
  matmul(ctx, normalized, packed_->unembed.w.select_columns(tokens), bias, logits.values);
  if (cap > 0) soft_cap(ctx, cap, logits.values);
  return logits;
}

}  // namespace patchbay
