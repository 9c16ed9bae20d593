#include "patchbay/hooks/activation_cache.h"

#include <fmt/format.h>

#include "patchbay/base/error.h"

namespace patchbay {

const Tensor& ActivationCache::operator[](std::string_view name) const {
  return (*this)[HookName::parse(name, cfg_)];
}

const Tensor& ActivationCache::operator[](const HookName& name) const {
  const auto found = kept_.find(name);
  if (found == kept_.end()) {
    throw Error(ErrorKind::kUsage, "cache",
                fmt::format("\"{}\" was not kept; run again with a names filter that picks it "
                            "({} activations are here)",
                            name.str(), kept_.size()));
  }
  return found->second;
}

void ActivationCache::insert(const HookName& name, Tensor activation) {
  if (!name.is_in(cfg_)) {
    throw Error(
        ErrorKind::kUsage, "cache",
        fmt::format("there is no hook point \"{}\" in a model of {} layers; give the cache the "
                    "config of the model that ran",
                    name.str(), cfg_.n_layers));
  }
  const Shape& shape = activation.shape();  // [batch, pos, …], or [batch, head_index, pos, pos]
  const int pos_axis = is_attention(name.point) ? 2 : 1;
  if (shape.rank() <= pos_axis || shape != name.shape(cfg_, shape[0], shape[pos_axis])) {
    throw Error(ErrorKind::kUsage, "cache",
                fmt::format("\"{}\" is {}, not {}; keep it as a run has it", name.str(),
                            name.axes(cfg_), shape.str()));
  }
  kept_.insert_or_assign(name, std::move(activation));
}

const Tensor& ActivationCache::operator()(std::string_view short_name, int layer,
                                          std::string_view layer_type) const {
  return (*this)[HookName::of(short_name, cfg_, layer, layer_type)];
}

}  // namespace patchbay
