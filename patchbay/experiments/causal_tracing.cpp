// Causal tracing (Meng et al. 2022, "Locating and editing factual associations in GPT",
// section 2.1): noise on the embeddings of a subject, and one state at a time restored from the run
// without it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <utility>

#include "patchbay/base/error.h"
#include "patchbay/experiments/columns_common.h"
#include "patchbay/experiments/places_common.h"
#include "patchbay/patching/gaussian.h"
#include "patchbay/patching/session.h"

namespace patchbay::experiments {

const Experiment& causal_tracing();

namespace {

constexpr OptionInfo kOptions[] = {
    {"site", "resid_post", "what is restored: resid_post, attn_out or mlp_out"},
    {"subject", "", "named positions whose embeddings get noise; the task's first one by default"},
    {"positions", "", "only these positions: numbers, or names that the task has"},
    {"layers", "", "only windows around these layers"},
    {"window", "0", "layers restored at once; 0: 1 of resid_post, 10 of attn_out and mlp_out"},
    {"noise", "3", "the noise's standard deviation, in those of the token embeddings"},
    {"draws", "10", "how often noise is drawn; values are means over draws"},
    {"noise-seed", "0", "draw other noise"},
    {"metric", "prob", "what is measured"},
    {"effect", "raw", "shown first: raw, fraction, recovered, percent_of_clean, of_gap"},
    {"aggregate", "ratio_of_means", "of prompts: ratio_of_means or mean_of_ratios"},
};

// The three states that the paper restores.
constexpr std::string_view kSites[] = {"resid_post", "attn_out", "mlp_out"};

double standard_deviation(ConstTensorView embeddings) {
  double sum = 0.0;
  for (const float x : embeddings.flat()) sum += x;
  const double mean = sum / static_cast<double>(embeddings.size());
  double squares = 0.0;
  for (const float x : embeddings.flat()) squares += (x - mean) * (x - mean);
  return std::sqrt(squares / static_cast<double>(embeddings.size()));
}

// Every pair once for each draw, both sides being its clean prompt, and its noisy embeddings.
struct Draws {
  PromptSet prompts;
  RowEdits edits;
  std::deque<std::vector<float>> values;  // of the edits
};

void add_draws(const Request& request, std::span<const std::size_t> subject, double sigma,
               std::int64_t draws, Draws& all) {
  const Tensor& W_E = request.model.weights().W_E;
  const auto seed = static_cast<std::uint64_t>(
      request.settings.integer("noise-seed", 0, std::numeric_limits<std::int64_t>::max()));
  all.prompts = request.prompts;
  all.prompts.pairs.clear();
  for (std::size_t i = 0; i < request.prompts.pairs.size(); ++i) {
    PromptPair pair = request.prompts.pairs[i];
    pair.corrupted = pair.clean;
    pair.corrupted_positions = pair.positions;
    for (std::int64_t draw = 0; draw < draws; ++draw) {
      Gaussian gaussian(mixed_seed({seed, i, static_cast<std::uint64_t>(draw)}));
      const auto sequence = static_cast<std::int32_t>(all.prompts.pairs.size());
      for (const std::size_t name : subject) {
        const std::int32_t position = pair.positions[name];
        if (position < 0) continue;
        const auto row = W_E.view()[pair.clean[static_cast<std::size_t>(position)]].flat();
        std::vector<float>& noisy = all.values.emplace_back();
        for (const float x : row) noisy.push_back(x + static_cast<float>(sigma * gaussian.next()));
        all.edits.add({HookPoint::kEmbed, -1}, {{sequence, position}, 0, noisy});
      }
      all.prompts.pairs.push_back(pair);
    }
  }
}

// [cells, prompts · draws] → [cells, prompts]
std::vector<double> means(const std::vector<double>& values, std::int64_t draws) {
  std::vector<double> result;
  for (std::size_t begin = 0; begin < values.size(); begin += static_cast<std::size_t>(draws)) {
    double sum = 0.0;
    for (std::int64_t draw = 0; draw < draws; ++draw) {
      sum += values[begin + static_cast<std::size_t>(draw)];
    }
    result.push_back(sum / static_cast<double>(draws));
  }
  return result;
}

// The settings, read.
struct Wanted {
  HookPoint site;
  std::int64_t window;
  std::int64_t draws;
  double sigma;
  std::vector<std::string> names;    // of the subject
  std::vector<std::size_t> subject;  // where they are among a prompt's positions
  std::vector<std::int64_t> layers;
  PositionChoice positions;
  const metrics::Metric& metric;
  EffectKind effect;
  Aggregate aggregate;
};

Wanted wanted_of(const Request& request) {
  const Settings& settings = request.settings;
  const std::int64_t n_layers = request.model.cfg().n_layers;
  const std::string site = settings.choice("site", kSites);
  std::int64_t window = settings.integer("window", 0, n_layers);
  constexpr std::int64_t kUsualWindow = 10;
  if (window == 0) window = site == "resid_post" ? 1 : std::min(kUsualWindow, n_layers);
  std::vector<std::string> names = settings.list("subject");
  if (names.empty()) names = {request.prompts.position_names.front()};
  std::vector<std::size_t> subject;
  for (const std::string& name : names) {
    subject.push_back(request.prompts.index_of_position(name));
  }
  return {.site = site_of(site),
          .window = window,
          .draws = settings.integer("draws", 1, 1'000'000),
          .sigma = settings.number("noise") * standard_deviation(request.model.weights().W_E),
          .names = std::move(names),
          .subject = std::move(subject),
          .layers = settings.indices("layers", n_layers),
          .positions = positions_of(request, "positions"),
          .metric = metrics::find(settings.text("metric")),
          .effect = parse_effect_kind(settings.text("effect")),
          .aggregate = parse_aggregate(settings.text("aggregate"))};
}

void check(const Request& request) { (void)wanted_of(request); }

EffectTable run(const Request& request) {
  const std::int64_t n_layers = request.model.cfg().n_layers;
  const auto [site, window, draws, sigma, names, subject, layers, positions, metric, effect,
              aggregate] = wanted_of(request);

  Draws all;
  add_draws(request, subject, sigma, draws, all);
  Sweep sweep{.direction = Direction::kDenoise,
              .variants = {},
              .metric = metric,
              .embedding_edits = &all.edits};
  for (const std::int64_t layer : layers) {
    for (const Positions& position : positions.positions) {
      Intervention restored;
      const std::int64_t last = std::min(n_layers, layer + (window + 1) / 2);
      for (std::int64_t at = std::max<std::int64_t>(0, layer - window / 2); at < last; ++at) {
        restored.push_back({.site = site, .layer = static_cast<int>(at), .positions = position});
      }
      sweep.variants.push_back(std::move(restored));
    }
  }
  const SweepResult result =
      Session(request.ctx, request.model, all.prompts, request.store).run(sweep);

  EffectTable table;
  table.experiment = "causal_tracing";
  table.options = request.settings.recorded();
  table.metric = sweep.metric.name;
  table.direction = sweep.direction;
  table.axes = {{"layer", number_labels(layers)},
                {"position", positions.labels},
                prompt_axis(request.prompts)};
  table.values = means(result.values, draws);
  table.baselines = {means(result.baselines.clean, draws),
                     means(result.baselines.corrupted, draws)};
  table.effect = effect;
  table.aggregate = aggregate;
  table.columns = prompt_columns(request.model, request.prompts);
  table.notes.push_back(fmt::format(
      "corrupted is the clean prompt with noise of standard deviation {:.4g} on the embeddings of "
      "{}, a mean over {} draws; {} layer(s) are restored at once",
      sigma, fmt::join(names, ", "), draws, window));
  return table;
}

}  // namespace

const Experiment& causal_tracing() {
  static constexpr Experiment kExperiment = {
      .name = "causal_tracing",
      .summary = "noise on a subject's embeddings, one state restored at a time (ROME)",
      .options = kOptions,
      .run = &run,
      .check = &check,
      .can_be_sharded = true};
  return kExperiment;
}

}  // namespace patchbay::experiments
