// From what a user calls a model to where its files are.
#include "patchbay/hub/find_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <vector>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/hub/cache.h"
#include "patchbay/hub/model_name.h"
#include "patchbay/hub/shipped.h"

namespace patchbay::hub {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_to_suggest(const Settings& settings) {
  std::vector<std::string> names;
  for (const ShippedModel& model : list_shipped(settings.model_folders))
    names.push_back(model.name);
  for (const KnownModel& model : known_models()) {
    names.emplace_back(model.name);
    names.emplace_back(model.id);
  }
  for (const CachedModel& model : list_cached(settings.cache)) names.push_back(model.snapshot.id);
  return names;
}

Error no_such_path(const std::string& text) {
  return {ErrorKind::kNoInput, "model",
          fmt::format("{}: there is no such folder or file; name a folder with config.json and "
                      "model.safetensors, a .safetensors or .gguf file, or a model as gpt2 or "
                      "ORG/NAME",
                      text)};
}

// A name that could be a model's, but is nowhere.
Error nowhere(const std::string& text, const ModelId& model, const Settings& settings) {
  const bool known = model.name != model.id;
  const std::string repository = known ? fmt::format("{} ({})", text, model.id) : text;
  const bool can_pull = model.id.find('/') != std::string::npos;
  return {ErrorKind::kNoInput, "model",
          fmt::format(
              "{}: is not a file or folder, not a model that comes with patchbay, and not in the "
              "Hugging Face cache {}{}{}",
              repository, settings.cache.string(),
              known ? "" : did_you_mean(text, names_to_suggest(settings)),
              can_pull ? fmt::format("; `patchbay model pull {}` downloads it", text)
                       : "; `patchbay model list` shows what is there, `patchbay model pull "
                         "gpt2` fetches a model")};
}

Error incomplete(const std::string& text, const Snapshot& snapshot) {
  return {ErrorKind::kNoInput, "model",
          fmt::format("{}: the Hugging Face cache has a part of it only, without config.json or "
                      "weights, in {}; `patchbay model pull {}` fetches the rest",
                      text, snapshot.folder.string(), text)};
}

}  // namespace

bool is_path(const std::string& text) {
  return text.empty() || text.starts_with('/') || text.starts_with('.') || text.starts_with('~') ||
         text.ends_with('/') || text.ends_with(".safetensors") || text.ends_with(".gguf") ||
         text.ends_with(".json") || std::ranges::count(text, '/') > 1;
}

std::string_view name_of(ModelSource source) {
  switch (source) {
    case ModelSource::kShipped:
      return "shipped";
    case ModelSource::kCache:
      return "cache";
    default:
      return "path";
  }
}

FoundModel find_model(const std::string& name, const Settings& settings) {
  std::error_code ignored;
  if (fs::exists(name, ignored)) return {.path = name, .name = "", .source = ModelSource::kPath};
  if (is_path(name)) throw no_such_path(name);
  if (const auto shipped = find_shipped(settings.model_folders, name)) {
    return {.path = shipped->folder, .name = shipped->name, .source = ModelSource::kShipped};
  }
  const auto model = read_model_id(name);
  if (!model) throw no_such_path(name);
  const auto snapshot = find_snapshot(settings.cache, *model);
  if (!snapshot) throw nowhere(name, *model, settings);
  if (!has_model(snapshot->folder)) throw incomplete(name, *snapshot);
  return {.path = snapshot->folder,
          .name = model->name,
          .source = ModelSource::kCache,
          .id = snapshot->id,
          .revision = model->revision,
          .commit = snapshot->commit};
}

}  // namespace patchbay::hub
