#include "patchbay/experiments/head_scores.h"

#include <algorithm>

#include "patchbay/base/error.h"
#include "patchbay/base/split_mix.h"
#include "patchbay/experiments/experiment.h"
#include "patchbay/patching/recording.h"
#include "patchbay/tasks/words_common.h"

namespace patchbay::experiments {
namespace {

// How far back each kind of head looks, from which position on.
struct Score {
  const char* name;
  std::int64_t back;
  std::int64_t first;
};

}  // namespace

void check(Session& /*session*/, const HeadScores& settings) { check_values(settings); }

EffectTable run(Session& session, const HeadScores& settings) {
  check_values(settings);
  const HookedTransformer& model = session.model();
  const HookedTransformerConfig& cfg = model.cfg();
  const tasks::TaskModel words{.cfg = cfg,
                               .tokenizer = model.has_tokenizer() ? &model.tokenizer() : nullptr};
  const std::vector<TokenId> vocabulary = tasks::ordinary_tokens(words);
  const Prompt bos = tasks::beginning(words, session.prompts().prepend_bos, HeadScores::kName);
  const std::int64_t begin = std::ssize(bos);
  SplitMix64 random(settings.token_seed);
  std::vector<HookName> patterns;
  for (int layer = 0; layer < cfg.n_layers; ++layer) {
    patterns.push_back({HookPoint::kPattern, layer});
  }
  const std::int64_t length = std::min(settings.length, (cfg.n_ctx - begin) / 2);
  const Score scores[] = {{"previous token", 1, 1},
                          {"duplicate token", length, length},
                          {"induction", length - 1, length}};
  const auto n = static_cast<std::size_t>(settings.sequences);
  const auto heads = static_cast<std::size_t>(cfg.n_layers * cfg.n_heads);
  EffectTable table = table_of(settings);
  table.values.resize(std::size(scores) * heads * n);  // [score, layer, head, sequence]
  TableAxis sequences{"prompt", {}};
  for (std::size_t i = 0; i < n; ++i) {
    sequences.labels.push_back(std::to_string(i));
    Prompt tokens;
    for (std::int64_t j = 0; j < length; ++j) {
      tokens.push_back(vocabulary[random.below(vocabulary.size())]);
    }
    tokens.insert(tokens.end(), tokens.begin(), tokens.begin() + length);
    tokens.insert(tokens.begin(), bos.begin(), bos.end());
    const Recording runs(session.ctx(), model, {tokens}, patterns);
    for (std::size_t score = 0; score < std::size(scores); ++score) {
      const auto [name, back, first] = scores[score];
      for (std::size_t head = 0; head < heads; ++head) {
        const HookName& pattern = patterns[head / static_cast<std::size_t>(cfg.n_heads)];
        const std::int64_t number = static_cast<std::int64_t>(head) % cfg.n_heads;
        double sum = 0.0;
        for (std::int64_t query = first; query < 2 * length; ++query) {
          const std::int64_t key = begin + query - back;
          sum +=
              static_cast<double>(runs.values(pattern, 0, static_cast<std::int32_t>(begin + query),
                                              number * (begin + 2 * length) + key, 1)[0]);
        }
        table.values[(score * heads + head) * n + i] =
            sum / static_cast<double>(2 * length - first);
      }
    }
  }
  if (begin > 0) table.notes.emplace_back("sequences begin with BOS, which no score looks at");
  table.metric = "mean attention";
  table.effect = EffectKind::kRaw;
  TableAxis kinds{"score", {}};
  for (const Score& score : scores) kinds.labels.emplace_back(score.name);
  table.axes = {std::move(kinds), number_axis("layer", 0, cfg.n_layers),
                number_axis("head", 0, cfg.n_heads), std::move(sequences)};
  return table;
}

const Experiment& head_scores() { return experiment_of<HeadScores>(); }

}  // namespace patchbay::experiments
