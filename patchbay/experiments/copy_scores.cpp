#include "patchbay/experiments/copy_scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "patchbay/base/error.h"
#include "patchbay/experiments/columns_common.h"
#include "patchbay/patching/recording.h"
#include "patchbay/tensor/matmul.h"
#include "patchbay/tensor/norm.h"

namespace patchbay::experiments {
namespace {

struct Name {
  std::size_t prompt;
  std::int32_t position;
  TokenId token;
};

bool is_paper(const CopyScores& settings) {
  return settings.definition == CopyScores::Definition::kPaper;
}

// Outputs of single heads are read as if they were the last stream, and their opposites by
// linearity.
void check_model(const HookedTransformerConfig& cfg, bool paper) {
  check_outputs_add_up(cfg, "copy_scores");
  if (cfg.output_logits_soft_cap > 0) {
    throw Error(ErrorKind::kUsage, "copy_scores",
                "needs logits that are linear in the stream; this model caps them");
  }
  if (!paper && !info(HookPoint::kResidMid).is_in(cfg)) {
    throw Error(ErrorKind::kUsage, "copy_scores",
                "there is no stream between attention and MLP in this model; take `definition` "
                "paper");
  }
}

// The names of all prompts.
std::vector<Name> names_of(Session& session, const CopyScores& settings) {
  check_values(settings);
  check_range("top-tokens", settings.top_tokens, {1, session.model().cfg().d_vocab});
  check_model(session.model().cfg(), is_paper(settings));
  std::vector<NamedPosition> positions;
  for (const std::string& name : settings.names) {
    positions.push_back(session.prompts().named_position(name));
  }
  std::vector<Name> names;
  for (std::size_t i = 0; i < session.prompts().pairs.size(); ++i) {
    const PromptPair& pair = session.prompts().pairs[i];
    for (const NamedPosition& position : positions) {
      // Of a name of several tokens the last: heads that move the name look there.
      const std::int32_t at = position.of(pair.positions[position.name]).last;
      if (at >= 0) names.push_back({i, at, pair.clean[static_cast<std::size_t>(at)]});
    }
  }
  if (names.empty()) {
    throw FieldError(
        "names", "no prompt has any of these positions; patchbay task show has those of the task");
  }
  if (session.model().cfg().n_layers < 2) {
    throw Error(ErrorKind::kUsage, "copy_scores",
                "needs a model of at least two layers; take another model");
  }
  return names;
}

// What heads after block 0 read of each name, [name, d_model].
Tensor inputs_of(Session& session, const std::vector<Name>& names, bool paper) {
  const HookedTransformer& model = session.model();
  const std::vector<Prompt> prompts = session.prompts().clean();
  const HookName after{HookPoint::kResidPost, 0};
  Tensor inputs({std::ssize(names), model.cfg().d_model});
  if (paper) {
    const Recording runs(session.ctx(), model, prompts, {after});
    for (std::size_t i = 0; i < names.size(); ++i) {
      const Name& name = names[i];
      std::ranges::copy(runs.values(after, static_cast<std::int64_t>(name.prompt), name.position, 0,
                                    model.cfg().d_model),
                        inputs[static_cast<std::int64_t>(i)].data());
    }
    return inputs;
  }
  // A replay in which the stream before MLP 0 is the embedding alone.
  const BaseRun base = model.base_run(session.ctx(), {prompts.front()});
  ReplayStart start;
  std::vector<Row> rows;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto sequence = static_cast<std::int32_t>(i);
    start.base_prompt.push_back(0);
    start.edits.add({HookPoint::kResidMid, 0},
                    {{sequence, 0}, 0, model.weights().W_E[names[i].token].flat()});
    rows.push_back({sequence, 0});
  }
  RowRead read{after, RowSet(std::move(rows)), {}};
  model.replay_rows(session.ctx(), base, start, {&read, 1});
  return std::move(read.values);
}

// What every head of a layer writes when it attends to one name alone, [name, n_heads, d_model].
Tensor outputs_of(Session& session, const BlockWeights& block, const Tensor& inputs, bool paper) {
  const HookedTransformerConfig& cfg = session.model().cfg();
  const std::int64_t rows = inputs.shape()[0];
  Tensor v({rows, cfg.key_value_heads() * cfg.d_head});
  matmul(session.ctx(), paper ? normalized(session.ctx(), block.ln1, inputs) : inputs,
         PackedMatrix::pack_heads(block.attn.W_V),
         paper ? block.attn.b_V.flat() : std::span<const float>(), v);
  Tensor z({rows, cfg.n_heads * cfg.d_head});
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t head = 0; head < cfg.n_heads; ++head) {
      std::copy_n(v[row].data() + cfg.key_value_head_of(head) * cfg.d_head, cfg.d_head,
                  z[row].data() + head * cfg.d_head);
    }
  }
  Tensor results({rows, cfg.n_heads, cfg.d_model});
  const ConstTensorView W_O = block.attn.W_O.view();
  matmul_each_head(session.ctx(), z,
                   PackedMatrix::pack(W_O.reshaped({cfg.n_heads * cfg.d_head, cfg.d_model})),
                   cfg.n_heads, results);
  return results;
}

// Streams read as the last one: their logits, [stream, d_vocab].
Tensor logits_of(Session& session, const BaseRun& base, ConstTensorView streams) {
  const HookName last{HookPoint::kResidPost, static_cast<int>(session.model().cfg().n_layers) - 1};
  ReplayStart start;
  Demand demand{.logits = Demand::At::kRows};
  for (std::int32_t i = 0; i < streams.shape()[0]; ++i) {
    start.base_prompt.push_back(0);
    start.edits.add(last, {{i, 0}, 0, streams[i].flat()});
    demand.rows.push_back({i, 0});
  }
  return session.model().replay(session.ctx(), base, start, demand).values;
}

// Whether a name is among the likeliest tokens, by what heads say and by its opposite. `nothing`
// are the logits of an empty stream; a norm is linear but for its bias, which those hold.
struct Copied {
  bool said;
  bool opposite;
};
Copied copied(std::span<const float> logits, std::span<const float> nothing, TokenId token,
              std::int64_t top) {
  const auto at = static_cast<std::size_t>(token);
  const auto opposite = [&](std::size_t i) { return 2.0F * nothing[i] - logits[i]; };
  std::int64_t above = 0;
  std::int64_t above_in_opposite = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > logits[at]) ++above;
    if (opposite(i) > opposite(at)) ++above_in_opposite;
  }
  return {above < top, above_in_opposite < top};
}

}  // namespace

void check(Session& session, const CopyScores& settings) { (void)names_of(session, settings); }

EffectTable run(Session& session, const CopyScores& settings) {
  const std::vector<Name> names = names_of(session, settings);
  const bool paper = is_paper(settings);
  const HookedTransformerConfig& cfg = session.model().cfg();
  const Tensor inputs = inputs_of(session, names, paper);
  const BaseRun base =
      session.model().base_run(session.ctx(), {session.prompts().pairs.front().clean});
  const Tensor nothing = logits_of(session, base, Tensor({1, cfg.d_model}));
  const std::size_t n = session.prompts().pairs.size();
  const auto per_sign = static_cast<std::size_t>((cfg.n_layers - 1) * cfg.n_heads) * n;
  std::vector<double> sums(2 * per_sign);  // [sign, layer − 1, head, prompt]
  std::vector<double> counts(n);
  for (const Name& name : names) counts[name.prompt] += 1;
  constexpr std::int64_t kAtOnce = 256;  // streams
  for (std::int64_t layer = 1; layer < cfg.n_layers; ++layer) {
    const Tensor results = outputs_of(
        session, session.model().weights().blocks[static_cast<std::size_t>(layer)], inputs, paper);
    const std::int64_t streams = results.shape()[0] * cfg.n_heads;
    const ConstTensorView flat = results.view().reshaped({streams, cfg.d_model});
    for (std::int64_t first = 0; first < streams; first += kAtOnce) {
      const std::int64_t last = std::min(first + kAtOnce, streams);
      const Tensor logits = logits_of(session, base, flat.rows(first, last));
      for (std::int64_t i = first; i < last; ++i) {
        const Name& name = names[static_cast<std::size_t>(i / cfg.n_heads)];
        const Copied one =
            copied(logits[i - first].flat(), nothing.flat(), name.token, settings.top_tokens);
        const auto cell = static_cast<std::size_t>((layer - 1) * cfg.n_heads + i % cfg.n_heads);
        sums[cell * n + name.prompt] += one.said ? 1.0 : 0.0;
        sums[per_sign + cell * n + name.prompt] += one.opposite ? 1.0 : 0.0;
      }
    }
    session.ctx().report_progress(layer, cfg.n_layers - 1);
  }
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const double count = counts[i % n];
    sums[i] = count > 0 ? sums[i] / count : std::numeric_limits<double>::quiet_NaN();
  }
  EffectTable table = table_of(settings);
  table.metric = "share of names copied";
  table.effect = EffectKind::kRaw;
  table.axes = {{"sign", {"copies", "suppresses"}},
                number_axis("layer", 1, cfg.n_layers),
                number_axis("head", 0, cfg.n_heads),
                prompt_axis(session.prompts())};
  table.columns = prompt_columns(session.model(), session.prompts());
  table.values = std::move(sums);
  return table;
}

const Experiment& copy_scores() { return experiment_of<CopyScores>(); }

}  // namespace patchbay::experiments
