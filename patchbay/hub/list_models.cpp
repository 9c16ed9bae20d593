#include "patchbay/hub/list_models.h"

#include <fmt/format.h>

#include <algorithm>

#include "patchbay/hub/cache.h"
#include "patchbay/hub/shipped.h"

namespace patchbay::hub {
namespace {

// The id alone, where it stands for the revision main.
std::string name_of(const CachedModel& model) {
  const Snapshot& snapshot = model.snapshot;
  if (std::ranges::find(model.refs, "main") != model.refs.end()) return snapshot.id;
  return fmt::format("{}@{}", snapshot.id,
                     model.refs.empty() ? snapshot.commit : model.refs.front());
}

}  // namespace

std::vector<ListedModel> list_models(const Settings& settings) {
  std::vector<ListedModel> models;
  for (const ShippedModel& model : list_shipped(settings.model_folders)) {
    models.push_back({.name = model.name, .folder = model.folder, .bytes = bytes_in(model.folder)});
  }
  for (const CachedModel& model : list_cached(settings.cache)) {
    models.push_back({.name = name_of(model),
                      .source = ModelSource::kCache,
                      .folder = model.snapshot.folder,
                      .bytes = model.bytes,
                      .complete = model.complete,
                      .id = model.snapshot.id,
                      .commit = model.snapshot.commit,
                      .refs = model.refs});
  }
  return models;
}

}  // namespace patchbay::hub
