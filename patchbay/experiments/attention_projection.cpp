#include "patchbay/experiments/attention_projection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "patchbay/experiments/columns_common.h"
#include "patchbay/patching/recording.h"
#include "patchbay/results/correlation.h"
#include "patchbay/tensor/matmul.h"

namespace patchbay::experiments {
namespace {

constexpr std::size_t kNames = 2;  // IO and S

// Where a prompt names whom.
struct NamePlaces {
  std::vector<std::vector<std::size_t>> looked_at;  // [name] position names
  std::vector<std::size_t> read_from;               // [name] the position name of its token
};

NamePlaces name_places(Session& session, const AttentionProjection& settings) {
  check_values(settings);
  check_outputs_add_up(session.model().cfg(), "attention_projection");
  const auto at = [&](const char* name) { return session.prompts().index_of_position(name); };
  NamePlaces places{{{at("IO")}, {at("S1")}}, {at("IO"), at("S2")}};
  if (settings.subject == AttentionProjection::Subject::kSum) {
    places.looked_at[1].push_back(at("S2"));
  }
  return places;
}

// The direction of a token's logit in the residual stream, [d_model]: its column of W_U times
// ln_final's weight, centred where the norm centres. No scale: Wang et al. leave it out.
void write_direction(const HookedTransformer& model, TokenId token, std::span<float> direction) {
  const Weights& weights = model.weights();
  double sum = 0.0;
  for (std::size_t i = 0; i < direction.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    direction[i] = weights.W_U(row, token) * weights.ln_final.weight(row);
    sum += static_cast<double>(direction[i]);
  }
  if (!weights.ln_final.centres()) return;
  const auto mean = static_cast<float>(sum / static_cast<double>(direction.size()));
  for (float& x : direction) x -= mean;
}

// The numbers of one prompt go to values[cell · stride].
class Prompts {
 public:
  Prompts(Session& session, const NamePlaces& places)
      : session_(session),
        places_(places),
        cfg_(session.model().cfg()),
        n_(session.prompts().pairs.size()),
        values_(2 * kNames * heads() * n_, std::numeric_limits<double>::quiet_NaN()) {}

  std::vector<double> run() && {
    std::vector<HookName> names;
    for (int layer = 0; layer < cfg_.n_layers; ++layer) {
      names.push_back({HookPoint::kPattern, layer});
      names.push_back({HookPoint::kZ, layer});
    }
    constexpr std::size_t kAtOnce = 64;
    for (std::size_t first = 0; first < n_; first += kAtOnce) {
      const std::size_t last = std::min(first + kAtOnce, n_);
      std::vector<Prompt> tokens;
      for (std::size_t i = first; i < last; ++i) {
        tokens.push_back(session_.prompts().pairs[i].clean);
      }
      const Recording runs(session_.ctx(), session_.model(), tokens, names);
      for (std::size_t i = first; i < last; ++i) add_attention(runs, i, i - first);
      add_projections(runs, first, last);
      session_.ctx().report_progress(static_cast<std::int64_t>(last),
                                     static_cast<std::int64_t>(n_));
    }
    return std::move(values_);
  }

 private:
  [[nodiscard]] std::size_t heads() const {
    return static_cast<std::size_t>(cfg_.n_layers * cfg_.n_heads);
  }
  double& value(std::size_t quantity, std::size_t name, std::int64_t layer, std::int64_t head,
                std::size_t prompt) {
    const std::size_t of_head = static_cast<std::size_t>(layer * cfg_.n_heads + head);
    return values_[((quantity * kNames + name) * heads() + of_head) * n_ + prompt];
  }
  [[nodiscard]] bool has(std::size_t prompt, std::size_t name) const {
    const PromptPair& pair = session_.prompts().pairs[prompt];
    return pair.positions[places_.read_from[name]].is_there() &&
           std::ranges::all_of(places_.looked_at[name], [&](std::size_t position) {
             return pair.positions[position].is_there();
           });
  }

  void add_attention(const Recording& runs, std::size_t prompt, std::size_t number) {
    const PromptPair& pair = session_.prompts().pairs[prompt];
    const auto length = std::ssize(pair.clean);
    for (int layer = 0; layer < cfg_.n_layers; ++layer) {
      for (std::int64_t head = 0; head < cfg_.n_heads; ++head) {
        for (std::size_t name = 0; name < kNames; ++name) {
          if (!has(prompt, name)) continue;
          double sum = 0.0;
          for (const std::size_t position : places_.looked_at[name]) {
            const TokenSpan tokens = pair.positions[position];
            for (const float one :
                 runs.values({HookPoint::kPattern, layer}, static_cast<std::int64_t>(number),
                             static_cast<std::int32_t>(length - 1), head * length + tokens.first,
                             tokens.size())) {
              sum += static_cast<double>(one);
            }
          }
          value(0, name, layer, head, prompt) = sum;
        }
      }
    }
  }

  // z at END times W_O times the directions.
  void add_projections(const Recording& runs, std::size_t first, std::size_t last) {
    Tensor directions(
        {static_cast<std::int64_t>(last - first) * std::ssize(places_.read_from), cfg_.d_model});
    for (std::size_t i = first; i < last; ++i) {
      const PromptPair& pair = session_.prompts().pairs[i];
      for (std::size_t name = 0; name < kNames; ++name) {
        if (!has(i, name)) continue;
        const auto row = static_cast<std::int64_t>((i - first) * kNames + name);
        // Of a name of several tokens the first: that is what comes next.
        const std::int32_t position = pair.positions[places_.read_from[name]].first;
        write_direction(session_.model(), pair.clean[static_cast<std::size_t>(position)],
                        directions[row].flat());
      }
    }
    const PackedMatrix columns = PackedMatrix::pack_transposed(directions);
    Tensor read({cfg_.d_head, directions.shape()[0]});
    for (int layer = 0; layer < cfg_.n_layers; ++layer) {
      const Tensor& written =
          session_.model().weights().blocks[static_cast<std::size_t>(layer)].attn.W_O;
      for (std::int64_t head = 0; head < cfg_.n_heads; ++head) {
        matmul(session_.ctx(), written[head], columns, {}, read);
        for (std::size_t i = first; i < last; ++i) {
          const auto end = static_cast<std::int32_t>(session_.prompts().pairs[i].clean.size()) - 1;
          const auto z = runs.values({HookPoint::kZ, layer}, static_cast<std::int64_t>(i - first),
                                     end, head * cfg_.d_head, cfg_.d_head);
          for (std::size_t name = 0; name < kNames; ++name) {
            if (!has(i, name)) continue;
            const auto column = static_cast<std::int64_t>((i - first) * kNames + name);
            double sum = 0.0;
            for (std::int64_t d = 0; d < cfg_.d_head; ++d) {
              sum += static_cast<double>(z[static_cast<std::size_t>(d)]) *
                     static_cast<double>(read(d, column));
            }
            value(1, name, layer, head, i) = sum;
          }
        }
      }
    }
  }

  Session& session_;
  const NamePlaces& places_;
  const HookedTransformerConfig& cfg_;
  std::size_t n_;
  std::vector<double> values_;  // [quantity, name, layer, head, prompt]
};

}  // namespace

void check(Session& session, const AttentionProjection& settings) {
  (void)name_places(session, settings);
}

EffectTable run(Session& session, const AttentionProjection& settings) {
  const NamePlaces places = name_places(session, settings);
  const HookedTransformerConfig& cfg = session.model().cfg();
  EffectTable table = table_of(settings);
  table.metric = "attention and projection";
  table.effect = EffectKind::kRaw;
  table.axes = {{"quantity", {"attention", "projection"}},
                {"name", {"IO", "S"}},
                number_axis("layer", 0, cfg.n_layers),
                number_axis("head", 0, cfg.n_heads),
                prompt_axis(session.prompts())};
  table.columns = prompt_columns(session.model(), session.prompts());
  table.values = Prompts(session, places).run();
  return table;
}

const Experiment& attention_projection() { return experiment_of<AttentionProjection>(); }

}  // namespace patchbay::experiments
