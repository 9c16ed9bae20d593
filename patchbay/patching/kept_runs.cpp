#include "patchbay/patching/kept_runs.h"

#include <algorithm>
#include <set>
#include <utility>

namespace patchbay {

bool KeptRuns::Kept::has(const std::vector<Prompt>& prompts) const {
  return std::ranges::all_of(prompts, [&](const Prompt& one) { return index.contains(one); });
}

SharedRun KeptRuns::of(const RunContext& ctx, const HookedTransformer& model,
                       const std::vector<Prompt>& prompts, std::int64_t most_bytes) {
  const auto known = std::ranges::find_if(kept_, [&](const Kept& one) { return one.has(prompts); });
  if (known != kept_.end()) {
    std::rotate(known, known + 1, kept_.end());
  } else {
    const std::vector<Prompt> once = distinct(prompts);
    const std::int64_t bytes = tokens_of(once) * base_run_bytes(model.cfg());
    std::int64_t total = bytes;
    for (const Kept& one : kept_) total += one.bytes;
    while (!kept_.empty() && total > most_bytes) {
      total -= kept_.front().bytes;
      kept_.erase(kept_.begin());
    }
    Kept fresh{std::make_shared<const BaseRun>(model.base_run(ctx, once)), {}, bytes};
    for (std::size_t i = 0; i < once.size(); ++i) {
      fresh.index.emplace(once[i], static_cast<std::int32_t>(i));
    }
    kept_.push_back(std::move(fresh));
  }
  return kept_.back().share(prompts);
}

SharedRun KeptRuns::Kept::share(const std::vector<Prompt>& prompts) const {
  SharedRun shared{run, {}};
  for (const Prompt& prompt : prompts) shared.index.push_back(index.at(prompt));
  return shared;
}

std::optional<SharedRun> KeptRuns::find(const std::vector<Prompt>& prompts) const {
  for (const Kept& one : kept_) {
    if (one.has(prompts)) return one.share(prompts);
  }
  return std::nullopt;
}

std::int64_t KeptRuns::bytes_of(const std::vector<Prompt>& side,
                                const std::vector<Prompt>& other_side) const {
  std::int64_t bytes = 0;
  for (const Kept& one : kept_) {
    if (one.has(side) || one.has(other_side)) bytes += one.bytes;
  }
  return bytes;
}

std::int64_t base_run_bytes(const HookedTransformerConfig& cfg) {
  const std::int64_t layer =
      3 * cfg.d_model + cfg.n_heads * cfg.d_head + 2 * cfg.key_value_heads() * cfg.d_head;
  return (cfg.n_layers * layer + cfg.d_model) * static_cast<std::int64_t>(sizeof(float));
}

std::vector<Prompt> distinct(const std::vector<Prompt>& prompts) {
  std::set<Prompt> seen;
  std::vector<Prompt> once;
  for (const Prompt& prompt : prompts) {
    if (seen.insert(prompt).second) once.push_back(prompt);
  }
  return once;
}

std::int64_t tokens_of(const std::vector<Prompt>& prompts) {
  std::int64_t tokens = 0;
  for (const Prompt& prompt : prompts) tokens += std::ssize(prompt);
  return tokens;
}

}  // namespace patchbay
