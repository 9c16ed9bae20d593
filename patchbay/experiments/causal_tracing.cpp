#include "patchbay/experiments/causal_tracing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <utility>

#include "patchbay/experiments/columns_common.h"
#include "patchbay/patching/gaussian.h"
#include "patchbay/patching/session.h"

namespace patchbay::experiments {
namespace {

constexpr Choice<HookPoint> kSites[] = {{"resid_post", HookPoint::kResidPost},
                                        {"attn_out", HookPoint::kAttnOut},
                                        {"mlp_out", HookPoint::kMlpOut}};

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

// Every token of the subject, once.
std::vector<std::int32_t> subject_tokens(const PromptPair& pair,
                                         std::span<const NamedPosition> subject) {
  std::vector<std::int32_t> tokens;
  for (const NamedPosition& one : subject) {
    const TokenSpan span = one.of(pair.positions[one.name]);
    if (!span.is_there()) continue;
    for (std::int32_t token = span.first; token <= span.last; ++token) {
      if (std::ranges::find(tokens, token) == tokens.end()) tokens.push_back(token);
    }
  }
  return tokens;
}

void add_draws(Session& session, const CausalTracing& settings,
               std::span<const NamedPosition> subject, double sigma, Draws& all) {
  const Tensor& W_E = session.model().weights().W_E;
  all.prompts = session.prompts();
  all.prompts.pairs.clear();
  for (std::size_t i = 0; i < session.prompts().pairs.size(); ++i) {
    PromptPair pair = session.prompts().pairs[i];
    pair.corrupted = pair.clean;
    pair.corrupted_positions = pair.positions;
    for (std::int64_t draw = 0; draw < settings.draws; ++draw) {
      Gaussian gaussian(mixed_seed({settings.noise_seed, i, static_cast<std::uint64_t>(draw)}));
      const auto sequence = static_cast<std::int32_t>(all.prompts.pairs.size());
      for (const std::int32_t position : subject_tokens(pair, subject)) {
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

// What the settings mean for one model and these prompts.
struct Windows {
  std::int64_t size;               // layers restored at once
  double sigma;                    // of the noise
  std::vector<std::string> names;  // of the subject
  std::vector<NamedPosition> subject;
  std::vector<std::int64_t> layers;
  PositionChoice positions;
};

Windows windows_of(Session& session, const CausalTracing& settings) {
  check_values(settings);
  const std::int64_t n_layers = session.model().cfg().n_layers;
  check_range("window", settings.window, {0, n_layers});
  constexpr std::int64_t kUsualWindow = 10;
  std::int64_t size = settings.window;
  if (size == 0) {
    size = settings.site == HookPoint::kResidPost ? 1 : std::min(kUsualWindow, n_layers);
  }
  std::vector<std::string> names = settings.subject;
  if (names.empty()) {
    if (session.prompts().position_names.empty()) {
      throw FieldError("subject", "the prompts name no position that could get noise; name one");
    }
    names = {session.prompts().position_names.front()};
  }
  std::vector<NamedPosition> subject;
  for (const std::string& name : names) {
    subject.push_back(session.prompts().named_position(name));
  }
  return {.size = size,
          .sigma = settings.noise * standard_deviation(session.model().weights().W_E),
          .names = std::move(names),
          .subject = std::move(subject),
          .layers = settings.layers.of(n_layers, "layers"),
          .positions = settings.positions.of(session.prompts(), "positions")};
}

}  // namespace

OneOf<HookPoint> restored_sites() { return one_of(kSites); }

void check(Session& session, const CausalTracing& settings) { (void)windows_of(session, settings); }

EffectTable run(Session& session, const CausalTracing& settings) {
  const std::int64_t n_layers = session.model().cfg().n_layers;
  const auto [window, sigma, names, subject, layers, positions] = windows_of(session, settings);

  Draws all;
  add_draws(session, settings, subject, sigma, all);
  Sweep sweep{.direction = Direction::kDenoise,
              .variants = {},
              .metric = *settings.metric,
              .embedding_edits = &all.edits};
  for (const std::int64_t layer : layers) {
    for (const Positions& position : positions.positions) {
      Intervention restored;
      const std::int64_t last = std::min(n_layers, layer + (window + 1) / 2);
      for (std::int64_t at = std::max<std::int64_t>(0, layer - window / 2); at < last; ++at) {
        restored.push_back(
            {.site = settings.site, .layer = static_cast<int>(at), .positions = position});
      }
      sweep.variants.push_back(std::move(restored));
    }
  }
  const SweepResult result = session.with(all.prompts).run(sweep);

  EffectTable table = table_of(settings);
  table.metric = sweep.metric.name;
  table.direction = sweep.direction;
  table.axes = {{"layer", number_labels(layers)},
                {"position", positions.labels},
                prompt_axis(session.prompts())};
  table.values = means(result.values, settings.draws);
  table.baselines = {means(result.baselines.clean, settings.draws),
                     means(result.baselines.corrupted, settings.draws)};
  table.effect = settings.effect;
  table.aggregate = settings.aggregate;
  table.columns = prompt_columns(session.model(), session.prompts());
  table.notes.push_back(fmt::format(
      "corrupted is the clean prompt with noise of standard deviation {:.4g} on the embeddings of "
      "{}, a mean over {} draws; {} layer(s) are restored at once",
      sigma, fmt::join(names, ", "), settings.draws, window));
  std::vector<NamedPosition> named = subject;
  for (const NamedPosition& position : named_positions(sweep.variants)) {
    if (std::ranges::find(named, position) == named.end()) named.push_back(position);
  }
  note_spans(table, session.prompts(), named);
  return table;
}

const Experiment& causal_tracing() { return experiment_of<CausalTracing>(); }

}  // namespace patchbay::experiments
