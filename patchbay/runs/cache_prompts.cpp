#include "patchbay/runs/cache_prompts.h"

#include <fmt/format.h>

#include <cstdint>
#include <map>

namespace patchbay::runs {

std::vector<ActivationFile::Array> cache_prompts(const RunContext& ctx,
                                                 const HookedTransformer& model,
                                                 std::span<const Prompt> prompts,
                                                 const CachedActivations& what,
                                                 const std::filesystem::path& path) {
  std::map<std::size_t, std::vector<std::int64_t>> numbers;  // of prompts, by their length
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    numbers[prompts[i].size()].push_back(static_cast<std::int64_t>(i));
  }
  ActivationFile file(path);
  const Demand demand{.logits = what.logits ? Demand::At::kEverywhere : Demand::At::kNowhere};
  for (const auto& [length, batch] : numbers) {
    if (numbers.size() > 1) file.begin_group(fmt::format("length_{}.", length));
    std::vector<Prompt> tokens;
    for (const std::int64_t number : batch) {
      tokens.push_back(prompts[static_cast<std::size_t>(number)]);
    }
    const auto [logits, activations] = model.run_with_cache(ctx, tokens, what.names, {}, demand);
    if (what.numbered) file.add_numbers(batch);
    file.add_tokens(tokens);
    file.add(activations);
    if (what.logits) file.add_logits(logits.values, std::ssize(tokens));
  }
  ctx.check_cancelled();
  file.close();
  return file.arrays();
}

}  // namespace patchbay::runs
