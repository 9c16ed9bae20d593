#include "patchbay/experiments/direct_logit_attribution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "patchbay/base/error.h"
#include "patchbay/experiments/columns_common.h"
#include "patchbay/model/logit_attribution.h"

namespace patchbay::experiments {
namespace {

using Components = DirectLogitAttribution::Components;

// What the settings mean in one model.
struct Split {
  Components components;
  std::vector<std::int64_t> layers;
  std::vector<std::int64_t> neurons;
  LayerNormMeaning meaning;
};

// Throws FieldError for a choice of layers or neurons that would do nothing.
Split split_of(Session& session, const DirectLogitAttribution& settings) {
  check_values(settings);
  const HookedTransformerConfig& cfg = session.model().cfg();
  metrics::check_pairs(metrics::find("logit_diff"), session.prompts());
  if (settings.side == DirectLogitAttribution::Side::kCorrupted) {
    session.prompts().require_corrupted("`side` corrupted");
  }
  const auto refuse = [&](std::string_view field) {
    throw FieldError(field,
                     fmt::format("means nothing with `components` {}; omit it",
                                 to_text(settings.components, one_of(settings.kComponentChoices))));
  };
  if (settings.components == Components::kComponents && settings.layers.is_given()) {
    refuse("layers");
  }
  if (settings.components != Components::kNeurons && settings.neurons.is_given()) {
    refuse("neurons");
  }
  return {.components = settings.components,
          .layers = settings.layers.of(cfg.n_layers, "layers"),
          .neurons = settings.neurons.of(cfg.d_mlp, "neurons"),
          .meaning = settings.definition};
}

// What the components are made of.
bool is_needed(const HookName& name) {
  constexpr HookPoint kPoints[] = {
      HookPoint::kEmbed,   HookPoint::kPosEmbed,  HookPoint::kResidPre,
      HookPoint::kAttnOut, HookPoint::kMlpOut,    HookPoint::kZ,
      HookPoint::kMlpPost, HookPoint::kResidPost, HookPoint::kLnFinalScale};
  return std::ranges::find(kPoints, name.point) != std::end(kPoints);
}

// Embeddings, heads and b_O of the chosen layers, attn_out of the others, mlp_out of all, in
// forward order; of one prompt, at END.
ResidualStack stack_with_heads(Session& session, const ActivationCache& cache,
                               const std::vector<std::int64_t>& layers) {
  const Weights& weights = session.model().weights();
  const std::int64_t n_layers = session.model().cfg().n_layers;
  const std::int64_t n_heads = session.model().cfg().n_heads;
  const ResidualStack halves = decompose_resid(cache, {.pos = -1});
  const ResidualStack heads = stack_head_results(session.ctx(), cache, weights, {.pos = -1});
  ResidualStack stack;
  stack.pos = halves.pos;
  std::vector<float> values;
  const auto add = [&](const std::string& label, ConstTensorView component) {
    stack.labels.push_back(label);
    values.insert(values.end(), component.flat().begin(), component.flat().end());
  };
  const std::int64_t of_layer = session.model().cfg().attn_only ? 1 : 2;
  const std::int64_t embeddings = std::ssize(halves.labels) - of_layer * n_layers;
  for (std::int64_t i = 0; i < std::ssize(halves.labels); ++i) {
    const std::int64_t layer = i < embeddings ? -1 : (i - embeddings) / of_layer;
    const bool is_attention = i >= embeddings && (i - embeddings) % of_layer == 0;
    if (!is_attention || std::ranges::find(layers, layer) == layers.end()) {
      add(halves.labels[static_cast<std::size_t>(i)], halves.values.view()[i]);
      continue;
    }
    for (std::int64_t head = layer * n_heads; head < (layer + 1) * n_heads; ++head) {
      add(heads.labels[static_cast<std::size_t>(head)], heads.values.view()[head]);
    }
    const Tensor& b_O = weights.blocks[static_cast<std::size_t>(layer)].attn.b_O;
    if (!b_O.empty()) add(fmt::format("{}_b_O", layer), b_O.view());
  }
  stack.values =
      Tensor::uninitialized(Shape{std::ssize(stack.labels), 1, session.model().cfg().d_model});
  std::ranges::copy(values, stack.values.data());
  return stack;
}

ResidualStack stack_of(Session& session, const ActivationCache& cache, const Split& split) {
  if (split.components == Components::kHeads) return stack_with_heads(session, cache, split.layers);
  if (split.components == Components::kNeurons) {
    return stack_neuron_results(
        cache, session.model().weights(),
        {.layers = split.layers, .neurons = split.neurons, .incl_remainder = true, .pos = -1});
  }
  return decompose_resid(cache, {.pos = -1});
}

// The logit difference as a linear function of the normalised stream: the mean of the answers'
// columns of W_U less that of the wrong ones', and the same of b_U.
struct LogitDiffDirection {
  std::vector<double> w;  // [d_model]
  double b = 0.0;

  LogitDiffDirection(const Weights& weights, const PromptPair& pair)
      : w(static_cast<std::size_t>(weights.W_U.shape()[0])) {
    add(weights, pair.answers, 1.0 / static_cast<double>(pair.answers.size()));
    add(weights, pair.wrongs, -1.0 / static_cast<double>(pair.wrongs.size()));
  }

 private:
  void add(const Weights& weights, const std::vector<TokenId>& tokens, double factor) {
    for (const TokenId token : tokens) {
      for (std::size_t m = 0; m < w.size(); ++m) {
        w[m] += factor * double{weights.W_U(static_cast<std::int64_t>(m), token)};
      }
      b += factor * double{weights.b_U(token)};
    }
  }
};

struct Attributions {
  std::vector<std::string> labels;  // [component]
  std::vector<double> values;       // [component]
  double logit_diff = 0.0;          // the run's own

  [[nodiscard]] double miss() const {
    return std::abs(std::accumulate(values.begin(), values.end(), 0.0) - logit_diff);
  }
  // What rounding to single precision may make of the sum.
  [[nodiscard]] double tolerance() const {
    double size = 0.0;
    for (const double value : values) size += std::abs(value);
    return 1e-3 + 1e-5 * size;
  }
};

Attributions attributions(Session& session, const PromptPair& pair, const Prompt& tokens,
                          const Split& split) {
  const Weights& weights = session.model().weights();
  const auto [logits, cache] = session.model().run_with_cache(
      session.ctx(), {tokens}, is_needed, {}, {.logits = Demand::At::kLastPosition});
  const ResidualStack stack = apply_ln_to_stack(cache, weights, stack_of(session, cache, split),
                                                {.meaning = split.meaning});
  const LogitDiffDirection direction(weights, pair);
  Attributions result;
  result.labels = stack.labels;
  for (std::int64_t i = 0; i < std::ssize(stack.labels); ++i) {
    const auto component = stack.values.view()[i].flat();
    result.values.push_back(
        std::inner_product(component.begin(), component.end(), direction.w.begin(), 0.0));
  }
  if (split.meaning == LayerNormMeaning::kComplete) result.values.back() += direction.b;  // "bias"
  result.logit_diff = metrics::find("logit_diff")
                          .value({.pair = pair, .tokens = tokens, .logits = logits.at(0, -1)});
  return result;
}

}  // namespace

void check(Session& session, const DirectLogitAttribution& settings) {
  (void)split_of(session, settings);
}

EffectTable run(Session& session, const DirectLogitAttribution& settings) {
  const PromptSet& prompts = session.prompts();
  const Split split = split_of(session, settings);
  const bool clean = settings.side == DirectLogitAttribution::Side::kClean;
  EffectTable table = table_of(settings);
  table.metric = "logit_diff";
  table.effect = EffectKind::kRaw;
  table.columns = prompt_columns(session.model(), prompts);
  const std::size_t n = prompts.pairs.size();
  std::vector<std::string> labels;
  double largest_miss = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    const PromptPair& pair = prompts.pairs[i];
    Attributions one = attributions(session, pair, clean ? pair.clean : pair.corrupted, split);
    if (split.meaning == LayerNormMeaning::kComplete && !(one.miss() <= one.tolerance())) {
      throw Error(ErrorKind::kInternal, table.experiment,
                  fmt::format("the components of prompt {} miss the logit difference by {}", i,
                              one.miss()));
    }
    largest_miss = std::max(largest_miss, one.miss());
    (clean ? table.baselines.clean : table.baselines.corrupted).push_back(one.logit_diff);
    table.values.resize(one.values.size() * n);
    for (std::size_t component = 0; component < one.values.size(); ++component) {
      table.values[component * n + i] = one.values[component];
    }
    labels = std::move(one.labels);
  }
  table.notes.push_back(
      fmt::format("the sum of all components differs from the logit difference by at most {:.2g}",
                  largest_miss));
  table.axes = {{"component", labels}, prompt_axis(prompts)};
  return table;
}

const Experiment& direct_logit_attribution() { return experiment_of<DirectLogitAttribution>(); }

}  // namespace patchbay::experiments
