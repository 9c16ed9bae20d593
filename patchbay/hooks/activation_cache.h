// Activations kept from a run, by name.
#pragma once

#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "patchbay/hooks/hook_name.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// The activations that a run was asked to keep, as they were after all hooks, each [batch, pos,
/// …].
class ActivationCache {
 public:
  ActivationCache() = default;
  /// Of a run of the model with this config, which knows what hook points there are.
  explicit ActivationCache(HookedTransformerConfig cfg) : cfg_(std::move(cfg)) {}

  /// By full name: cache["blocks.9.attn.hook_z"]. Throws kUsage when it is not in the cache.
  const Tensor& operator[](std::string_view name) const;
  const Tensor& operator[](const HookName& name) const;
  /// By short name: cache("pattern", 9), cache("scale", 3, "ln1"), cache("embed").
  const Tensor& operator()(std::string_view short_name, int layer = HookName::kNoLayer,
                           std::string_view layer_type = "") const;

  [[nodiscard]] bool contains(const HookName& name) const { return kept_.contains(name); }
  [[nodiscard]] const HookedTransformerConfig& cfg() const { return cfg_; }
  [[nodiscard]] std::size_t size() const { return kept_.size(); }
  /// All of them, in forward order.
  [[nodiscard]] const std::map<HookName, Tensor>& entries() const { return kept_; }

  /// Keeps an activation in place of what has its name. Throws kUsage for a hook point that the
  /// model does not have, and for a tensor of another shape.
  void insert(const HookName& name, Tensor activation);

 private:
  HookedTransformerConfig cfg_;
  std::map<HookName, Tensor> kept_;
};

}  // namespace patchbay
