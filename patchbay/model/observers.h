// The meeting point of one run with its hooks and its cache.
#pragma once

#include <functional>
#include <vector>

#include "patchbay/config/hooked_transformer_config.h"
#include "patchbay/hooks/activation_cache.h"
#include "patchbay/hooks/hooks.h"

namespace patchbay {

/// What one run was asked to show: hooks to call and activations to keep. The forward pass asks
/// `watches` before it computes anything that only a hook would see.
class Observers {
 public:
  /// Shows nothing.
  Observers() = default;
  /// For a run of `batch` prompts of `pos` tokens each. Throws kUsage for a name that the model
  /// does not have.
  Observers(const HookedTransformerConfig& cfg, const Hooks& hooks, const NamesFilter& keep,
            std::int64_t batch, std::int64_t pos);

  /// True when somebody looks at this activation.
  [[nodiscard]] bool watches(HookPoint point, int layer = -1) const;
  /// True when somebody looks at anything in this block from `first` to `last`, in forward order.
  [[nodiscard]] bool watches_any(int layer, HookPoint first = HookPoint::kResidPre,
                                 HookPoint last = HookPoint::kResidPost) const;
  /// The last block that somebody looks at, −1 for none; n_layers when it is ln_final.
  [[nodiscard]] int last_layer() const;
  /// The first block that somebody looks at: −1 when it is an embedding, `none` for none in a
  /// block.
  [[nodiscard]] int first_layer(int none) const;

  /// Calls the hooks of this activation, then keeps a copy if asked to. `activation` holds all
  /// rows, [batch·pos, …] or its axes' own order. Throws kUsage when a hook put attention above
  /// the diagonal.
  void show(HookPoint point, int layer, TensorView activation);

  [[nodiscard]] ActivationCache& cache() { return cache_; }

 private:
  struct Observation {
    std::vector<const HookFunction*> functions;
    bool keep = false;
    [[nodiscard]] bool any() const { return keep || !functions.empty(); }
  };
  [[nodiscard]] const Observation* find(const HookName& name) const;

  const HookedTransformerConfig* cfg_ = nullptr;
  std::int64_t batch_ = 0;
  std::int64_t pos_ = 0;
  std::vector<HookName> names_;            // the wanted ones, in forward order
  std::vector<Observation> observations_;  // beside names_
  ActivationCache cache_;
};

}  // namespace patchbay
