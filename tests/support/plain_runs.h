// The slow, obvious side of every comparison with the engine: whole passes with hooks, one prompt
// at a time, and sources and metrics read from them without anything of the engine.
#pragma once

#include <map>
#include <vector>

#include "patchbay/model/hooked_transformer.h"
#include "patchbay/patching/path_patching.h"
#include "patchbay/patching/sweep.h"

namespace patchbay {

/// A value that a run has at a piece, or gets there.
struct Written {
  Piece piece;
  std::vector<float> values;
};

/// Where a piece begins in an activation of one prompt.
float* at(TensorView activation, const Piece& piece);
const float* at(const Tensor& activation, const Piece& piece);
/// Writes the values where they belong. They must outlive the hooks.
void add_writes(const std::vector<Written>& values, Hooks& hooks);

/// One sweep's prompts on both sides, and what is put in.
class PlainRuns {
 public:
  PlainRuns(const RunContext& ctx, const HookedTransformer& model, const PromptSet& prompts,
            Direction direction, const Source& source, const metrics::Metric& metric);

  [[nodiscard]] const Prompt& base(std::int64_t prompt) const { return side(prompt, true); }
  [[nodiscard]] const Prompt& other(std::int64_t prompt) const { return side(prompt, false); }
  /// Where the named positions are, in the run that is patched and in the one that is read.
  [[nodiscard]] PairSides positions(std::int64_t prompt) const;
  /// What goes into the pieces.
  [[nodiscard]] std::vector<Written> source_values(std::int64_t prompt,
                                                   const std::vector<Piece>& pieces) const;
  /// The metric of a run of the prompt's base, or of its other side.
  [[nodiscard]] double measure(const Logits& logits, std::int64_t prompt, bool of_base) const;
  /// Of prompts without patching; `hooks` belong to the base.
  void add_baselines(std::int64_t prompt, const Hooks& hooks, Baselines& baselines) const;
  [[nodiscard]] Logits run(std::int64_t prompt, const Hooks& hooks) const;
  /// One activation of a whole pass.
  [[nodiscard]] const Tensor& recorded(const Prompt& tokens, const HookName& name) const;

 private:
  [[nodiscard]] const Prompt& side(std::int64_t prompt, bool of_base) const;
  [[nodiscard]] std::vector<float> mean(std::int64_t prompt, const Piece& piece) const;
  [[nodiscard]] std::int64_t resampled(std::int64_t prompt) const;

  const RunContext& ctx_;
  const HookedTransformer& model_;
  const PromptSet& prompts_;
  Direction direction_;
  Source source_;
  const metrics::Metric& metric_;
  mutable std::map<std::pair<Prompt, HookName>, Tensor> recorded_;
};

/// Variants whose values are the base's, bit for bit.
std::int64_t count_unchanged(const SweepResult& result, Direction direction);

SweepResult run_sweep_plainly(const RunContext& ctx, const HookedTransformer& model,
                              const PromptSet& prompts, const Sweep& sweep);
SweepResult run_path_sweep_plainly(const RunContext& ctx, const HookedTransformer& model,
                                   const PromptSet& prompts, const PathSweep& sweep);

}  // namespace patchbay
