// The model as one value: run it, run it with hooks, keep its activations, replay it with
// a few rows changed.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/config/hooked_transformer_config.h"
#include "patchbay/hooks/activation_cache.h"
#include "patchbay/hooks/hooks.h"
#include "patchbay/model/base_run.h"
#include "patchbay/model/packed_weights.h"
#include "patchbay/model/rows.h"
#include "patchbay/model/weights.h"
#include "patchbay/text/tokenizer.h"

namespace patchbay {

/// What a run must produce. The less it is asked for, the less it computes; the bits of what it
/// does produce stay the same.
struct Demand {
  enum class At {
    kNowhere,       ///< no logits: the run ends with the last activation that somebody looks at
    kLastPosition,  ///< at the last position of each prompt
    kEverywhere,    ///< at every position
    kRows,          ///< at `rows`
  };
  At logits = At::kEverywhere;
  std::vector<Row> rows{};        ///< (prompt, position), any order; none but for kRows
  std::vector<TokenId> tokens{};  ///< logits of these tokens, in this order; empty for all of them
};

/// Logits of a run, one row per demanded position.
struct Logits {
  RowSet rows;                    ///< (prompt, position) of each row
  Tensor values;                  ///< [rows, d_vocab], or [rows, tokens] when tokens were chosen
  std::vector<TokenId> tokens{};  ///< the chosen tokens; empty when the logits are of all of them

  /// The row of one position; a negative one counts from the prompt's last demanded row. Throws
  /// kUsage when it was not demanded.
  [[nodiscard]] std::span<const float> at(std::int32_t prompt, std::int32_t position) const&;
  std::span<const float> at(std::int32_t prompt, std::int32_t position) const&& = delete;
};

/// A transformer with hook points. Immutable: every method is const and may be called from several
/// threads, each with a context of its own. The weights are the checkpoint's, unless they were
/// processed (weight_processing.h) before. A model that was moved from refuses every run: kUsage.
class HookedTransformer {
 public:
  /// Packs the weights for the matrix product. Throws Error when the config contradicts itself,
  /// the weights do not fit it or hold a NaN, or the processor has no fused multiply-add.
  HookedTransformer(const RunContext& ctx, HookedTransformerConfig cfg, Weights weights,
                    std::optional<Tokenizer> tokenizer = std::nullopt);

  [[nodiscard]] const HookedTransformerConfig& cfg() const { return cfg_; }
  [[nodiscard]] const Weights& weights() const;
  [[nodiscard]] bool has_tokenizer() const { return tokenizer_.has_value(); }
  /// Throws kUsage when the checkpoint came without one.
  [[nodiscard]] const Tokenizer& tokenizer() const;

  /// The prompt's tokens; prepend_bos is always said. Throws kUsage without a tokenizer.
  [[nodiscard]] Prompt to_tokens(std::string_view text, bool prepend_bos) const;

  /// Logits of some prompts, of any lengths.
  [[nodiscard]] Logits run(const RunContext& ctx, const std::vector<Prompt>& prompts,
                           const Demand& demand = {}) const;
  /// With hooks, which may edit activations; prompts must be equally long, since a hook sees
  /// [batch, pos, …].
  [[nodiscard]] Logits run_with_hooks(const RunContext& ctx, const std::vector<Prompt>& prompts,
                                      const Hooks& hooks, const Demand& demand = {}) const;
  /// Keeps the activations that `keep` picks, as they are after all hooks: if nothing is said, what
  /// TransformerLens keeps with its default flags (NamesFilter::standard).
  [[nodiscard]] std::pair<Logits, ActivationCache> run_with_cache(
      const RunContext& ctx, const std::vector<Prompt>& prompts,
      const NamesFilter& keep = NamesFilter::standard(), const Hooks& hooks = {},
      const Demand& demand = {}) const;

  /// A whole pass, with some values edited, that keeps what replays of this model, and its copies,
  /// need. Throws kUsage for an edit of ln_final, before which it ends.
  [[nodiscard]] BaseRun base_run(const RunContext& ctx, const std::vector<Prompt>& prompts,
                                 const RowEdits& edits = {}) const;
  /// The base run with some rows of some activations changed: the logits that a whole pass with
  /// those edits would give, bit for bit, for the work of the rows that come out differently alone.
  /// Rows of the result are (sequence, position), a sequence being an entry of start.base_prompt.
  [[nodiscard]] Logits replay(const RunContext& ctx, const BaseRun& base, const ReplayStart& start,
                              const Demand& demand = {}) const;
  /// Rows of activations as they come out of the same replay, which goes no further than the last
  /// of them. Throws kUsage for an activation that has no rows of its own to read: embeddings,
  /// norms, attention, and the copies of the stream that heads and MLPs read.
  void replay_rows(const RunContext& ctx, const BaseRun& base, const ReplayStart& start,
                   std::span<RowRead> reads) const;
  /// The same as replay with hooks, which see an activation after its edits, and a cache. The
  /// embeddings come before every replay.
  [[nodiscard]] std::pair<Logits, ActivationCache> replay_with_cache(
      const RunContext& ctx, const BaseRun& base, const ReplayStart& start, const NamesFilter& keep,
      const Hooks& hooks = {}, const Demand& demand = {}) const;

 private:
  [[nodiscard]] std::vector<std::int64_t> sequence_lengths(const BaseRun& base,
                                                           const ReplayStart& start) const;
  [[nodiscard]] Logits unembed(const RunContext& ctx, const Tensor& normalized, RowSet rows,
                               const std::vector<TokenId>& tokens) const;
  void check_prompts(const std::vector<Prompt>& prompts) const;
  void check_demand(const Demand& demand) const;

  HookedTransformerConfig cfg_;
  std::shared_ptr<const Weights> weights_;
  std::shared_ptr<const PackedWeights> packed_;  // shared by copies, as the weights are
  std::optional<Tokenizer> tokenizer_;
};

}  // namespace patchbay
