#include "patchbay/families/family.h"

#include <fmt/format.h>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"

namespace patchbay {
namespace {

const families::Family& family_of(const JsonValue& config) {
  const std::string& type = config.at("model_type").as_string();
  std::vector<std::string> known;
  for (const families::Family* family : families::all()) {
    if (family->name == type) return *family;
    known.emplace_back(family->name);
  }
  throw config.at("model_type")
      .error(fmt::format("is \"{}\"; patchbay reads checkpoints of {}{}", type,
                         fmt::join(known, ", "), did_you_mean(type, known)));
}

std::optional<Tokenizer> tokenizer_in(const std::filesystem::path& folder) {
  for (const char* name : {"tokenizer.json", "vocab.json"}) {
    if (std::filesystem::exists(folder / name)) return Tokenizer::from_folder(folder);
  }
  return std::nullopt;
}

}  // namespace

LoadedCheckpoint load_checkpoint(const RunContext& ctx, const std::filesystem::path& path) {
  const Checkpoint checkpoint = open_checkpoint(path);
  const bool is_folder = std::filesystem::is_directory(path);
  const std::filesystem::path folder = is_folder ? path : path.parent_path();
  const JsonDocument config = read_json_file(folder / "config.json");
  const families::Family& family = family_of(config.root());
  LoadedCheckpoint loaded;
  loaded.cfg = family.config(config.root());
  const std::filesystem::path whole = std::filesystem::absolute(folder).lexically_normal();
  loaded.cfg.model_name =
      (whole.has_filename() ? whole.filename() : whole.parent_path().filename()).string();
  loaded.cfg.original_family = family.name;
  loaded.cfg.check();
  loaded.tokenizer = tokenizer_in(folder);
  loaded.weights = family.weights(ctx, loaded.cfg, config.root(), checkpoint);
  return loaded;
}

HookedTransformer load_model(const RunContext& ctx, const std::filesystem::path& path) {
  LoadedCheckpoint loaded = load_checkpoint(ctx, path);
  return {ctx, std::move(loaded.cfg), std::move(loaded.weights), std::move(loaded.tokenizer)};
}

}  // namespace patchbay
