#include "patchbay/patching/kept_runs.h"

#include <algorithm>
#include <set>
#include <utility>

namespace patchbay {

namespace {

using Index = std::map<Prompt, std::int32_t>;

Index index_of(const BaseRun& run) {
  Index index;
  for (std::size_t i = 0; i < run.prompts.size(); ++i) {
    index.emplace(run.prompts[i], static_cast<std::int32_t>(i));
  }
  return index;
}

SharedRun shared_run(std::shared_ptr<const BaseRun> run, const Index& index,
                     const std::vector<Prompt>& prompts) {
  SharedRun shared{std::move(run), {}};
  for (const Prompt& prompt : prompts) shared.index.push_back(index.at(prompt));
  return shared;
}

}  // namespace

SharedRun new_base_run(const RunContext& ctx, const HookedTransformer& model,
                       const std::vector<Prompt>& prompts) {
  auto run = std::make_shared<const BaseRun>(model.base_run(ctx, distinct(prompts)));
  const Index index = index_of(*run);
  return shared_run(std::move(run), index, prompts);
}

bool KeptRuns::Kept::has(const std::vector<Prompt>& prompts) const {
  return std::ranges::all_of(prompts, [&](const Prompt& one) { return index.contains(one); });
}

std::optional<SharedRun> KeptRuns::find(const std::vector<Prompt>& prompts) {
  const auto known = std::ranges::find_if(kept_, [&](const Kept& one) { return one.has(prompts); });
  if (known == kept_.end()) return std::nullopt;
  std::rotate(known, known + 1, kept_.end());
  return shared_run(kept_.back().run, kept_.back().index, prompts);
}

void KeptRuns::make_room(std::int64_t most_bytes) {
  std::int64_t total = 0;
  for (const Kept& one : kept_) total += one.bytes;
  auto first = kept_.begin();
  for (; first != kept_.end() && total > most_bytes; ++first) total -= first->bytes;
  kept_.erase(kept_.begin(), first);
}

SharedRun KeptRuns::add(const RunContext& ctx, const HookedTransformer& model,
                        const std::vector<Prompt>& prompts, std::int64_t most_bytes) {
  const std::int64_t bytes = tokens_of(distinct(prompts)) * base_run_bytes(model.cfg());
  make_room(most_bytes - bytes);
  SharedRun fresh = new_base_run(ctx, model, prompts);
  kept_.push_back({fresh.run, index_of(*fresh.run), bytes});
  return fresh;
}

std::int64_t KeptRuns::bytes_of(const std::vector<std::vector<Prompt>>& sides) const {
  std::int64_t bytes = 0;
  for (const Kept& one : kept_) {
    if (std::ranges::any_of(sides, [&](const auto& side) { return one.has(side); })) {
      bytes += one.bytes;
    }
  }
  return bytes;
}

std::int64_t base_run_bytes(const HookedTransformerConfig& cfg) {
  const std::int64_t layer =
      3 * cfg.d_model + cfg.n_heads * cfg.d_head + 2 * cfg.key_value_heads() * cfg.d_head;
  const std::int64_t positions = cfg.positions_at_queries_and_keys() ? cfg.d_model : 0;
  return (cfg.n_layers * layer + cfg.d_model + positions) *
         static_cast<std::int64_t>(sizeof(float));
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
