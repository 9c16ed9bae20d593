// Models by name.
#include "patchbay/hub/load_model.h"

#include <utility>

#include "patchbay/model/weight_processing.h"

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

HookedTransformer load_model(const RunContext& ctx, const FoundModel& model,
                             const WeightProcessing& process) {
  LoadedCheckpoint loaded = load_checkpoint(ctx, model);
  loaded.weights = process_weights(std::move(loaded.weights), process);
  return make_model(ctx, std::move(loaded), model.path);
}

HookedTransformer load_model(const RunContext& ctx, const std::string& name,
                             const Settings& settings) {
  return load_model(ctx, find_model(name, settings), WeightProcessing{});
}

}  // namespace patchbay::hub
