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

const Tensor& ActivationCache::operator()(std::string_view short_name, int layer,
                                          std::string_view layer_type) const {
  return (*this)[HookName::of(short_name, cfg_, layer, layer_type)];
}

}  // namespace patchbay
