#include "patchbay/experiments/logit_lens.h"

#include <span>
#include <vector>

#include "patchbay/base/error.h"
#include "patchbay/experiments/columns_common.h"

namespace patchbay::experiments {
namespace {

// The logits of one prompt at END with the stream before block 0, 1, … and the final one at the
// end: replays in which it takes the place of the last resid_post.
Logits lens(Session& session, const Prompt& prompt, bool cached) {
  const HookedTransformer& model = session.model();
  const auto n_layers = static_cast<int>(model.cfg().n_layers);
  const auto end = static_cast<std::int32_t>(prompt.size()) - 1;
  const SharedRun shared = session.for_last_question().base_run({prompt});
  const BaseRun& base = *shared.run;
  const std::int32_t own = shared.index.front();
  ReplayStart start;
  for (std::int32_t layer = 0; layer <= n_layers; ++layer) {
    const Tensor& stream = layer == n_layers
                               ? base.resid_final
                               : base.layers[static_cast<std::size_t>(layer)].resid_pre;
    start.base_prompt.push_back(own);
    start.edits.add({HookPoint::kResidPost, n_layers - 1},
                    {{layer, end}, 0, stream.view()[base.row(own, end)].flat()});
  }
  Hooks hooks;
  if (cached) {
    hooks.add("ln_final.hook_scale", [&](TensorView scale, const HookName&) {
      for (int layer = 0; layer < n_layers; ++layer) {
        scale(layer, end, 0) = scale(n_layers, end, 0);
      }
    });
  }
  return model
      .replay_with_cache(session.ctx(), base, start, {}, hooks,
                         {.logits = Demand::At::kLastPosition})
      .first;
}

// Every layer's stream of one side, measured at END; clean_final: what the clean run says in the
// end.
std::vector<double> measure(const metrics::Metric& metric, const PromptPair& pair,
                            const Prompt& tokens, const Logits& by_layer,
                            std::span<const float> clean_final) {
  std::vector<double> values;
  for (std::int64_t layer = 0; layer < by_layer.rows.size(); ++layer) {
    metrics::MetricInput input{.pair = pair,
                               .tokens = tokens,
                               .logits = by_layer.at(static_cast<std::int32_t>(layer), -1)};
    if (metric.needs_clean) input.clean = clean_final;
    values.push_back(metric.value(input));
  }
  return values;
}

}  // namespace

void check(Session& session, const LogitLens& settings) {
  check_values(settings);
  metrics::check_pairs(*settings.metric, session.prompts());
  if (settings.metric->reads == metrics::Reads::kEveryPosition) {
    throw FieldError("metric", std::string(settings.metric->name) +
                                   " reads every position; the lens looks at END alone");
  }
}

EffectTable run(Session& session, const LogitLens& settings) {
  check(session, settings);
  const PromptSet& prompts = session.prompts();
  const metrics::Metric& metric = *settings.metric;
  const bool cached = settings.scale == LogitLens::Scale::kCached;
  EffectTable table = table_of(settings);
  table.metric = metric.name;
  table.effect = EffectKind::kRaw;
  table.columns = prompt_columns(session.model(), prompts);
  const std::int64_t n_layers = session.model().cfg().n_layers;
  TableAxis layers{"layer", {}};
  for (std::int64_t layer = 0; layer < n_layers; ++layer) {
    layers.labels.push_back(std::to_string(layer) + "_pre");
  }
  layers.labels.emplace_back("final_post");
  const std::size_t n = prompts.pairs.size();
  const std::size_t per_side = layers.labels.size() * n;
  const std::vector<std::string> sides = side_names(prompts);
  table.values.resize(sides.size() * per_side);
  for (std::size_t i = 0; i < n; ++i) {
    const PromptPair& pair = prompts.pairs[i];
    const Logits clean = lens(session, pair.clean, cached);
    const auto clean_final = clean.at(static_cast<std::int32_t>(n_layers), -1);
    std::vector<std::vector<double>> measured = {
        measure(metric, pair, pair.clean, clean, clean_final)};
    if (sides.size() > 1) {
      const Logits corrupted = lens(session, pair.corrupted, cached);
      measured.push_back(measure(metric, pair, pair.corrupted, corrupted, clean_final));
    }
    for (std::size_t side = 0; side < sides.size(); ++side) {
      for (std::size_t layer = 0; layer < layers.labels.size(); ++layer) {
        table.values[side * per_side + layer * n + i] = measured[side][layer];
      }
    }
  }
  table.axes = {{"side", sides}, std::move(layers), prompt_axis(prompts)};
  return table;
}

const Experiment& logit_lens() { return experiment_of<LogitLens>(); }

}  // namespace patchbay::experiments
