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

/// Whose base runs a sweep leaves for later questions.
enum class Keeps { kNothing, kPatchedSide, kBothSides };

/// A new base run of these prompts, which runs each of them once, however often it is named.
SharedRun new_base_run(const RunContext& ctx, const HookedTransformer& model,
                       const std::vector<Prompt>& prompts);

/// Base runs of one model that later questions find, the one used longest ago first. They are
/// searched one by one: a session has few sets of prompts, and a set has two sides.
class KeptRuns {
 public:
  /// A kept run that has all of these prompts; it is then the one used last.
  [[nodiscard]] std::optional<SharedRun> find(const std::vector<Prompt>& prompts);

  /// Drops runs, the one used longest ago first, until the others take at most `most_bytes`.
  void make_room(std::int64_t most_bytes);

  /// Makes a base run of these prompts and keeps it. Others are dropped before, until all that is
  /// kept, the new run too, takes at most `most_bytes`.
  SharedRun add(const RunContext& ctx, const HookedTransformer& model,
                const std::vector<Prompt>& prompts, std::int64_t most_bytes);

  /// Bytes of the kept runs that have all prompts of one of these sides.
  [[nodiscard]] std::int64_t bytes_of(const std::vector<std::vector<Prompt>>& sides) const;

 private:
  struct Kept {
    std::shared_ptr<const BaseRun> run;
    std::map<Prompt, std::int32_t> index;
    std::int64_t bytes;
    [[nodiscard]] bool has(const std::vector<Prompt>& prompts) const;
  };
  std::vector<Kept> kept_;
};

/// Bytes of what a base run keeps of one token.
std::int64_t base_run_bytes(const HookedTransformerConfig& cfg);

/// The prompts, each once, in the order of their first appearance.
std::vector<Prompt> distinct(const std::vector<Prompt>& prompts);

/// How many tokens they have together.
std::int64_t tokens_of(const std::vector<Prompt>& prompts);

}  // namespace patchbay
