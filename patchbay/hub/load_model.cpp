// Models by name.
#include "patchbay/hub/load_model.h"

#include <utility>

namespace patchbay::hub {

HookedTransformerConfig load_config(const FoundModel& model) {
  HookedTransformerConfig cfg = patchbay::load_config(model.path);
  if (!model.name.empty()) cfg.model_name = model.name;
  return cfg;
}

LoadedCheckpoint load_checkpoint(const RunContext& ctx, const FoundModel& model) {
  LoadedCheckpoint loaded = patchbay::load_checkpoint(ctx, model.path);
  if (!model.name.empty()) loaded.cfg.model_name = model.name;
  return loaded;
}

HookedTransformer load_model(const RunContext& ctx, const std::string& name,
                             const Settings& settings) {
  const FoundModel model = find_model(name, settings);
  return make_model(ctx, load_checkpoint(ctx, model), model.path);
}

}  // namespace patchbay::hub
