#include "patchbay/patching/recorded_runs.h"

#include <algorithm>
#include <map>
#include <utility>

namespace patchbay {
RecordedRuns::RecordedRuns(const RunContext& ctx, const HookedTransformer& model,
                           const std::vector<Prompt>& prompts, const std::vector<HookName>& names,
                           const Demand& demand)
    : seats_(prompts.size()) {
  std::map<std::size_t, std::vector<std::size_t>> by_length;
  for (std::size_t i = 0; i < prompts.size(); ++i) by_length[prompts[i].size()].push_back(i);
  const NamesFilter keep(
      [&](const HookName& name) { return std::ranges::find(names, name) != names.end(); });
  for (const auto& [length, members] : by_length) {
    std::vector<Prompt> batch;
    for (const std::size_t member : members) {
      seats_[member] = {groups_.size(), static_cast<std::int64_t>(batch.size()),
                        static_cast<std::int64_t>(length)};
      batch.push_back(prompts[member]);
    }
    auto [logits, cache] = model.run_with_cache(ctx, batch, keep, {}, demand);
    groups_.push_back(std::move(cache));
    logits_.push_back(std::move(logits));
  }
}

Logits RecordedRuns::take_logits() {
  std::vector<Logits> groups = std::exchange(logits_, {});
  if (groups.size() == 1) return std::move(groups.front());  // the prompts in their order
  std::vector<Row> rows;
  std::vector<float> values;
  for (std::size_t prompt = 0; prompt < seats_.size(); ++prompt) {
    const Logits& group = groups[seats_[prompt].group];
    const auto [first, last] =
        group.rows.of_prompt(static_cast<std::int32_t>(seats_[prompt].index));
    for (std::int64_t row = first; row < last; ++row) {
      rows.push_back({static_cast<std::int32_t>(prompt), group.rows[row].position});
      const auto own = group.values.view()[row].flat();
      values.insert(values.end(), own.begin(), own.end());
    }
  }
  Logits all{RowSet(std::move(rows)), {}, groups.front().tokens};
  const std::int64_t n = all.rows.size();
  all.values = Tensor::copy_of({values.data(), {n, std::ssize(values) / n}});
  return all;
}

std::span<const float> RecordedRuns::values(const HookName& name, std::int64_t prompt,
                                            std::int32_t position, std::int64_t begin,
                                            std::int64_t count) const {
  const Seat& seat = seats_[static_cast<std::size_t>(prompt)];
  const ConstTensorView activation = groups_[seat.group][name].view()[seat.index];
  std::int64_t at = 0;
  if (is_attention(name.point)) {  // [head_index, query_pos, key_pos]
    const std::int64_t head = begin / seat.length;
    at = (head * seat.length + position) * seat.length + begin % seat.length;
  } else {  // [pos, …]
    at = position * activation.shape().tail().size() + begin;
  }
  return activation.flat().subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(count));
}

}  // namespace patchbay
