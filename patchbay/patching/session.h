// A session: a model and prompts that are ready to be asked about. What several questions share is
// computed once: base runs, means and finished values.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/model/hooked_transformer.h"
#include "patchbay/patching/kept_runs.h"
#include "patchbay/patching/path_patching.h"
#include "patchbay/patching/shard.h"
#include "patchbay/patching/sweep.h"
#include "patchbay/prompts/prompt_set.h"
#include "patchbay/results/cell_store.h"

namespace patchbay {

/// Not to be used from two threads at once. Context, model, prompts and store must outlive it.
class Session {
 public:
  /// Finished values are taken from `store` and added to it, which may be on disk; without one they
  /// are kept in memory as long as the session.
  Session(const RunContext& ctx, const HookedTransformer& model, const PromptSet& prompts,
          CellStore* store = nullptr);
  /// The same model with other prompts: base runs, means and finished values are shared both ways.
  [[nodiscard]] Session with(const PromptSet& prompts) const;
  Session with(PromptSet&& prompts) const = delete;  // they would be gone before the first question
  Session(const RunContext& ctx, const HookedTransformer& model, PromptSet&& prompts,
          CellStore* store = nullptr) = delete;
  /// This session, for a question that no other follows: it takes base runs that are kept, and
  /// leaves none itself.
  [[nodiscard]] Session for_last_question() const;
  /// This session, for questions that others follow, which is what a new session is for.
  [[nodiscard]] Session for_several_questions() const;
  /// One of several processes' parts: values of other parts that the store does not have are NaN.
  [[nodiscard]] Session part(const Shard& shard) const;

  [[nodiscard]] const RunContext& ctx() const { return ctx_; }
  [[nodiscard]] const HookedTransformer& model() const { return model_; }
  [[nodiscard]] const PromptSet& prompts() const { return prompts_; }
  [[nodiscard]] CellStore& store() const;
  /// SHA-256 of the model's weights, where whoever made the session has said it; else empty. By it
  /// what was found on this model is told from what was found on another.
  [[nodiscard]] const std::string& weights_sha256() const;
  void set_weights_sha256(std::string sha256);

  /// The metric of each (variant, prompt).
  ///
  /// A value that is in the store is not computed again; those of a metric that is not one of
  /// metrics::all() are not kept, since any name may mean anything.
  ///
  /// All that is held at once, for this question and for later ones, is within ctx.max_memory().
  /// Base runs are kept for later questions where half of it holds those of all prompts: of both
  /// sides, or else of the patched one. Where it holds neither, prompts are taken in groups, one
  /// after the other, and no base run is kept; nor is one by a session for_last_question().
  ///
  /// Throws as check_sweep, kUsage too for a budget that does not hold one prompt, kInterrupted
  /// when the context was cancelled.
  [[nodiscard]] SweepResult run(const Sweep& sweep) const;
  /// The metric of each (path, prompt), in the same way. Throws as check_path_sweep too.
  [[nodiscard]] SweepResult run(const PathSweep& sweep) const;

  /// A base run that has these prompts, kept for later questions where those follow and half of
  /// ctx.max_memory() holds it.
  [[nodiscard]] SharedRun base_run(const std::vector<Prompt>& prompts) const;

 private:
  struct Shared;
  Session(const Session& other, const PromptSet& prompts);
  [[nodiscard]] SweepResult ask(const PathSweep& sweep) const;

  const RunContext& ctx_;
  const HookedTransformer& model_;
  const PromptSet& prompts_;
  Shard shard_{};
  bool is_last_ = false;  // no question follows
  std::shared_ptr<Shared> shared_;
};

/// One sweep that shares nothing with others.
SweepResult run_sweep(const RunContext& ctx, const HookedTransformer& model,
                      const PromptSet& prompts, const Sweep& sweep);
SweepResult run_path_sweep(const RunContext& ctx, const HookedTransformer& model,
                           const PromptSet& prompts, const PathSweep& sweep);

}  // namespace patchbay
