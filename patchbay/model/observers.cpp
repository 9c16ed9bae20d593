#include "patchbay/model/observers.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

#include "patchbay/base/error.h"

namespace patchbay {
namespace {

// Scores of keys that a query does not see are −inf and probabilities 0; an edit must leave them
// so, since the pass never reads them and the edit would silently do nothing.
void check_unseen(const HookedTransformerConfig& cfg, const HookName& hook,
                  ConstTensorView activation) {
  const float expected =
      hook.point == HookPoint::kPattern ? 0.0F : -std::numeric_limits<float>::infinity();
  const Shape& shape = activation.shape();  // [batch, head_index, query_pos, key_pos]
  for (std::int64_t b = 0; b < shape[0]; ++b) {
    for (std::int64_t h = 0; h < shape[1]; ++h) {
      for (std::int64_t query = 0; query < shape[2]; ++query) {
        const KeyRange seen = cfg.visible_keys(hook.layer, query);
        for (std::int64_t key = 0; key < shape[3]; ++key) {
          if (seen.contains(key) || activation(b, h, query, key) == expected) continue;
          throw Error(
              ErrorKind::kUsage, "hooks",
              fmt::format("an edit of {} set batch {}, head {}, query {}, key {}: a key "
                          "{}; leave entries {} at {}",
                          hook.str(), b, h, query, key,
                          key > query ? "after its query" : "before its query's window",
                          key > query ? "above the diagonal" : "outside of the window", expected));
        }
      }
    }
  }
}

}  // namespace

Observers::Observers(const HookedTransformerConfig& cfg, const Hooks& hooks,
                     const NamesFilter& keep, std::int64_t batch, std::int64_t pos)
    : cfg_(&cfg), batch_(batch), pos_(pos), cache_(cfg) {
  std::map<HookName, Observation> observations;
  for (const Hooks::Entry& entry : hooks.entries()) {
    const std::vector<HookName> names = entry.where.resolve(cfg);
    if (names.empty()) {
      throw Error(
          ErrorKind::kUsage, "hooks",
          "a hook's filter picks no hook point of this model, so the hook would do nothing");
    }
    for (const HookName& name : names) observations[name].functions.push_back(&entry.function);
  }
  for (const HookName& name : keep.resolve(cfg)) observations[name].keep = true;
  for (auto& [name, observation] : observations) {
    names_.push_back(name);
    observations_.push_back(std::move(observation));
  }
}

const Observers::Observation* Observers::find(const HookName& name) const {
  const auto found = std::ranges::lower_bound(names_, name);
  if (found == names_.end() || *found != name) return nullptr;
  return &observations_[static_cast<std::size_t>(found - names_.begin())];
}

bool Observers::watches(HookPoint point, int layer) const {
  return !names_.empty() && find({point, layer}) != nullptr;
}

bool Observers::watches_any(int layer, HookPoint first, HookPoint last) const {
  return std::ranges::any_of(names_, [&](const HookName& name) {
    return name.layer == layer && name.point >= first && name.point <= last;
  });
}

int Observers::last_layer() const {
  if (names_.empty()) return -1;
  const HookName& last = names_.back();
  return is_after_blocks(last.point) ? static_cast<int>(cfg_->n_layers) : last.layer;
}

int Observers::first_layer(int none) const {
  if (names_.empty() || is_after_blocks(names_.front().point)) return none;
  return names_.front().layer;
}

void Observers::show(HookPoint point, int layer, TensorView activation) {
  const Observation* observation = names_.empty() ? nullptr : find({point, layer});
  if (observation == nullptr) return;
  const HookName name{point, layer};
  const TensorView view = activation.reshaped(name.shape(*cfg_, batch_, pos_));
  for (const HookFunction* function : observation->functions) (*function)(view, name);
  if (is_attention(point) && !observation->functions.empty()) check_unseen(*cfg_, name, view);
  if (observation->keep) cache_.insert(name, Tensor::copy_of(view));
}

}  // namespace patchbay
