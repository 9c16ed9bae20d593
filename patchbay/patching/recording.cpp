#include "patchbay/patching/recording.h"

#include <algorithm>

namespace patchbay {

Recording::Recording(const RunContext& ctx, const HookedTransformer& model,
                     const std::vector<Prompt>& prompts, const std::vector<HookName>& names,
                     const std::optional<SharedRun>& shared, const Demand& demand)
    : shared_(shared) {
  std::vector<HookName> rest;
  for (const HookName& name : names) {
    const Tensor* const rows = shared_ ? shared_->run->find(model.cfg(), name) : nullptr;
    if (rows == nullptr) {
      rest.push_back(name);
    } else {
      held_.emplace(name, rows);
    }
  }
  if (!rest.empty()) run(ctx, model, prompts, rest, demand);
}

void Recording::run(const RunContext& ctx, const HookedTransformer& model,
                    const std::vector<Prompt>& prompts, const std::vector<HookName>& names,
                    const Demand& demand) {
  const NamesFilter keep(
      [&](const HookName& name) { return std::ranges::find(names, name) != names.end(); });
  std::map<std::size_t, std::vector<Prompt>> by_length;
  for (const Prompt& prompt : distinct(prompts)) by_length[prompt.size()].push_back(prompt);
  std::map<Prompt, Seat> seats;
  std::vector<Logits> logits;  // [group]
  for (const auto& [length, batch] : by_length) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      seats[batch[i]] = {groups_.size(), static_cast<std::int64_t>(i),
                         static_cast<std::int64_t>(length)};
    }
    auto [group_logits, cache] = model.run_with_cache(ctx, batch, keep, {}, demand);
    groups_.push_back(std::move(cache));
    logits.push_back(std::move(group_logits));
  }
  for (const Prompt& prompt : prompts) seats_.push_back(seats.at(prompt));
  if (demand.logits == Demand::At::kNowhere || prompts.empty()) return;

  std::vector<Row> rows;
  std::vector<float> values;
  for (std::size_t prompt = 0; prompt < seats_.size(); ++prompt) {
    const Logits& group = logits[seats_[prompt].group];
    const auto [first, last] =
        group.rows.of_sequence(static_cast<std::int32_t>(seats_[prompt].index));
    for (std::int64_t row = first; row < last; ++row) {
      rows.push_back({static_cast<std::int32_t>(prompt), group.rows[row].position});
      const auto own = group.values.view()[row].flat();
      values.insert(values.end(), own.begin(), own.end());
    }
  }
  logits_ = Logits{RowSet(std::move(rows)), {}, logits.front().tokens};
  const std::int64_t n = logits_->rows.size();
  logits_->values = Tensor::copy_of({values.data(), {n, std::ssize(values) / n}});
}

std::span<const float> Recording::values(const HookName& name, std::int64_t prompt,
                                         std::int32_t position, std::int64_t begin,
                                         std::int64_t count) const {
  const auto held = held_.find(name);
  if (held != held_.end()) {
    const std::int64_t row =
        shared_->run->row(shared_->index[static_cast<std::size_t>(prompt)], position);
    return held->second->view()[row].flat().subspan(static_cast<std::size_t>(begin),
                                                    static_cast<std::size_t>(count));
  }
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
