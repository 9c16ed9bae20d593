// Base runs that several questions share.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "patchbay/base/run_context.h"
#include "patchbay/model/hooked_transformer.h"

namespace patchbay {

/// A base run that has some prompts, and where.
struct SharedRun {
  std::shared_ptr<const BaseRun> run;
  std::vector<std::int32_t> index;  ///< [prompt] in run->prompts
};

/// Base runs of one model, kept while they fit: the one that was used longest ago goes first.
class KeptRuns {
 public:
  /// The base run of these prompts: one that is kept and has them all, or a new one, which runs
  /// each of them once, however often it is named. Before a new run others are dropped until all
  /// that is kept, the new run too, takes at most `most_bytes`.
  SharedRun of(const RunContext& ctx, const HookedTransformer& model,
               const std::vector<Prompt>& prompts, std::int64_t most_bytes);

  /// A kept run that has all of these prompts.
  [[nodiscard]] std::optional<SharedRun> find(const std::vector<Prompt>& prompts) const;

  /// Bytes of the kept runs that have all prompts of one of two sides.
  [[nodiscard]] std::int64_t bytes_of(const std::vector<Prompt>& side,
                                      const std::vector<Prompt>& other_side) const;

 private:
  struct Kept {
    std::shared_ptr<const BaseRun> run;
    std::map<Prompt, std::int32_t> index;
    std::int64_t bytes;
    [[nodiscard]] bool has(const std::vector<Prompt>& prompts) const;
    [[nodiscard]] SharedRun share(const std::vector<Prompt>& prompts) const;
  };
  std::vector<Kept> kept_;  // the one used last at the end
};

/// Bytes of what a base run keeps of one token.
std::int64_t base_run_bytes(const HookedTransformerConfig& cfg);

/// The prompts, each once, in the order of their first appearance.
std::vector<Prompt> distinct(const std::vector<Prompt>& prompts);

/// How many tokens they have together.
std::int64_t tokens_of(const std::vector<Prompt>& prompts);

}  // namespace patchbay
