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

// The folder of config.json and the tokenizer, for a folder or a file in it.
std::filesystem::path folder_of(const std::filesystem::path& path) {
  std::error_code ignored;
  const std::filesystem::path whole = std::filesystem::absolute(path).lexically_normal();
  if (std::filesystem::is_directory(whole, ignored)) {
    return whole.has_filename() ? whole : whole.parent_path();  // without a closing slash
  }
  if (std::filesystem::exists(whole, ignored)) return whole.parent_path();
  throw Error(ErrorKind::kNoInput, "model",
              fmt::format("{}: there is no such folder or file; name a folder with config.json and "
                          "model.safetensors",
                          path.string()));
}

HookedTransformerConfig checked_config(const families::Family& family, const JsonValue& config,
                                       const std::filesystem::path& folder) {
  HookedTransformerConfig cfg = family.config(config);
  cfg.model_name = folder.filename().string();
  cfg.original_family = family.name;
  cfg.check();
  return cfg;
}

// As the user wrote it, for messages.
std::filesystem::path config_file(const std::filesystem::path& path) {
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(path, ignored);
  return (is_folder ? path : path.parent_path()) / "config.json";
}

}  // namespace

HookedTransformerConfig load_config(const std::filesystem::path& path) {
  const std::filesystem::path folder = folder_of(path);
  const JsonDocument config = read_json_file(config_file(path));
  return checked_config(family_of(config.root()), config.root(), folder);
}

std::optional<Tokenizer> load_tokenizer(const std::filesystem::path& path) {
  const std::filesystem::path folder = folder_of(path);
  std::error_code ignored;
  for (const char* name : {"tokenizer.json", "vocab.json"}) {
    if (std::filesystem::exists(folder / name, ignored)) return Tokenizer::from_folder(folder);
  }
  return std::nullopt;
}

LoadedCheckpoint load_checkpoint(const RunContext& ctx, const std::filesystem::path& path) {
  const std::filesystem::path folder = folder_of(path);
  const Checkpoint checkpoint = open_checkpoint(path);
  const JsonDocument config = read_json_file(config_file(path));
  const families::Family& family = family_of(config.root());
  LoadedCheckpoint loaded;
  loaded.cfg = checked_config(family, config.root(), folder);
  loaded.tokenizer = load_tokenizer(path);
  loaded.weights = family.weights(ctx, loaded.cfg, config.root(), tensor_store(checkpoint));
  return loaded;
}

HookedTransformer load_model(const RunContext& ctx, const std::filesystem::path& path) {
  LoadedCheckpoint loaded = load_checkpoint(ctx, path);
  return {ctx, std::move(loaded.cfg), std::move(loaded.weights), std::move(loaded.tokenizer)};
}

}  // namespace patchbay
