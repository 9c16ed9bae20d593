#include "patchbay/families/family.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/base/visible_text.h"
#include "patchbay/io/tensor_reader.h"

namespace patchbay {
namespace {

const families::Family* find_family(std::string_view name) {
  for (const families::Family* family : families::all()) {
    if (family->name == name) return family;
  }
  return nullptr;
}

// The file is right, so nobody should correct it.
const families::Family& supported_family(const std::string& name, std::string_view key,
                                         const std::string& file) {
  if (const families::Family* family = find_family(name)) return *family;
  std::vector<std::string> known;
  for (const families::Family* family : families::all()) known.emplace_back(family->name);
  throw Error(
      ErrorKind::kBadData, "model",
      fmt::format(
          "{}: the architecture {} (\"{}\") is not supported{}; take a model of one of these: "
          "{}",
          file, quoted_text(name), key, did_you_mean(name, known), fmt::join(known, ", ")));
}

const families::Family& family_of(const JsonDocument& config, const std::string& file) {
  constexpr std::string_view kType = "model_type";
  return supported_family(config.root().at(kType).as_string(), kType, file);
}

const families::Family& family_of(const GgufFile& file) {
  constexpr std::string_view kType = "general.architecture";
  return supported_family(file.metadata().at(kType).as_string(), kType, file.path());
}

bool is_gguf(const std::filesystem::path& path) { return path.extension() == ".gguf"; }

// The folder of config.json and the tokenizer, for a folder or a file in it.
std::filesystem::path folder_of(const std::filesystem::path& path) {
  if (path.empty()) {
    throw Error(ErrorKind::kUsage, "model", "the model's name is empty; name a folder or a file");
  }
  std::error_code ignored;
  const std::filesystem::path absolute = std::filesystem::absolute(path, ignored);
  const std::filesystem::path whole = (absolute.empty() ? path : absolute).lexically_normal();
  if (std::filesystem::is_directory(whole, ignored)) {
    return whole.has_filename() ? whole : whole.parent_path();  // without a closing slash
  }
  if (std::filesystem::exists(whole, ignored)) return whole.parent_path();
  throw Error(ErrorKind::kNoInput, "model",
              fmt::format("{}: there is no such folder or file; name a folder with config.json and "
                          "model.safetensors, or a .safetensors or .gguf file",
                          path.string()));
}

HookedTransformerConfig checked(HookedTransformerConfig cfg, const families::Family& family,
                                std::string model_name, const std::string& file) {
  cfg.model_name = std::move(model_name);
  cfg.original_family = family.name;
  try {
    cfg.check();
  } catch (const Error& error) {
    throw Error(error.kind(), "config", fmt::format("{}: {}", file, error.reason()));
  }
  return cfg;
}

// A config that promises more layers than there are tensors would cost memory before it is refused.
void check_layers(const HookedTransformerConfig& cfg, const TensorStore& store) {
  const std::size_t tensors = store.names().size();
  if (static_cast<std::size_t>(cfg.n_layers) <= tensors) return;
  throw Error(ErrorKind::kBadData, cfg.original_family,
              fmt::format("{}: {} asks for {} layers, but there are only {} tensors; check that it "
                          "belongs to this checkpoint",
                          store.path, store.config_name, cfg.n_layers, tensors));
}

// As the user wrote it, for messages.
std::filesystem::path config_file(const std::filesystem::path& path) {
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(path, ignored);
  return (is_folder ? path : path.parent_path()) / "config.json";
}

HookedTransformerConfig read_config(const families::Family& family, const JsonValue& config,
                                    const std::filesystem::path& path) {
  return checked(family.config(config), family, folder_of(path).filename().string(),
                 config_file(path).string());
}

HookedTransformerConfig read_config(const families::Family& family, const GgufFile& file) {
  return checked(family.gguf_config(file.metadata()), family,
                 std::filesystem::path(file.path()).stem().string(), file.path());
}

std::optional<Tokenizer> read_tokenizer(const GgufFile& file) {
  if (file.metadata().find("tokenizer.ggml.model") == nullptr) return std::nullopt;
  return Tokenizer::from_gguf(file);
}

LoadedCheckpoint load_gguf(const RunContext& ctx, const std::filesystem::path& path) {
  const GgufFile file = GgufFile::open(path);
  const families::Family& family = family_of(file);
  LoadedCheckpoint loaded;
  loaded.cfg = read_config(family, file);
  loaded.tokenizer = load_tokenizer(path, loaded.cfg);
  const bool tied = file.find("output.weight") == nullptr;
  const TensorStore store = tensor_store(file);
  check_layers(loaded.cfg, store);
  loaded.weights = family.weights(ctx, loaded.cfg, store, tied);
  return loaded;
}

bool is_tied(const JsonValue& config, const families::Family& family) {
  return config.get_or("tie_word_embeddings", family.tied_by_default);
}

std::int64_t size_of(const std::string& file) {
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(file, error);
  if (!error) return static_cast<std::int64_t>(bytes);
  throw Error(ErrorKind::kInputOutput, "model",
              fmt::format("{}: its size cannot be read: {}", file, error.message()));
}

std::vector<std::string> lacking_biases(const families::Family& family,
                                        const HookedTransformerConfig& cfg,
                                        const TensorStore& store) {
  return family.lacking_biases == nullptr ? std::vector<std::string>{}
                                          : family.lacking_biases(cfg, store);
}

}  // namespace

CheckpointSummary summarize_checkpoint(const std::filesystem::path& path) {
  CheckpointSummary summary;
  const auto count = [&](std::string_view type, std::int64_t elements) {
    ++summary.tensors_by_type[std::string(type)];
    summary.n_params += elements;
  };
  if (is_gguf(path)) {
    const GgufFile file = GgufFile::open(path);
    summary.files.push_back({file.path(), size_of(file.path())});
    for (const GgufTensor& tensor : file.tensors()) {
      count(ggml_type_info(tensor.type).name, tensor.size());
    }
    const families::Family& family = family_of(file);
    summary.biases_taken_as_zero =
        lacking_biases(family, read_config(family, file), tensor_store(file));
    if (file.metadata().find("tokenizer.ggml.model") != nullptr) {
      summary.tokenizer = "the file's metadata";
    }
    return summary;
  }
  const std::filesystem::path folder = folder_of(path);
  const JsonDocument config = read_json_file(config_file(path));
  const families::Family& family = family_of(config, config_file(path).string());
  const Checkpoint checkpoint = open_checkpoint(path);
  const bool tied = is_tied(config.root(), family);
  for (const SafetensorsFile& file : checkpoint.files()) {
    summary.files.push_back({file.path(), size_of(file.path())});
    for (const TensorInfo& tensor : file.tensors()) {
      if (family.is_ignored(tensor.name)) continue;
      const bool is_copy = tied && tensor.name.ends_with(kUnembedding);
      count(dtype_name(tensor.dtype),
            is_copy ? 0 : element_count(tensor.shape, dtype_size(tensor.dtype)).value_or(0));
    }
  }
  summary.biases_taken_as_zero =
      lacking_biases(family, read_config(family, config.root(), path), tensor_store(checkpoint));
  std::error_code ignored;
  if (std::filesystem::exists(folder / "tokenizer.json", ignored)) {
    summary.tokenizer = "tokenizer.json";
  } else if (std::filesystem::exists(folder / "vocab.json", ignored)) {
    summary.tokenizer = "vocab.json and merges.txt";
  }
  return summary;
}

HookedTransformerConfig load_config(const std::filesystem::path& path) {
  if (is_gguf(path)) {
    const GgufFile file = GgufFile::open(path);
    return read_config(family_of(file), file);
  }
  folder_of(path);  // a path that is not there is named as it was given
  const JsonDocument config = read_json_file(config_file(path));
  return read_config(family_of(config, config_file(path).string()), config.root(), path);
}

std::optional<Tokenizer> load_tokenizer(const std::filesystem::path& path) {
  if (is_gguf(path)) return read_tokenizer(GgufFile::open(path));
  const std::filesystem::path folder = folder_of(path);
  std::error_code ignored;
  for (const char* name : {"tokenizer.json", "vocab.json"}) {
    if (std::filesystem::exists(folder / name, ignored)) return Tokenizer::from_folder(folder);
  }
  return std::nullopt;
}

std::optional<Tokenizer> load_tokenizer(const std::filesystem::path& path,
                                        HookedTransformerConfig& cfg) {
  try {
    return load_tokenizer(path);
  } catch (const UnsupportedTokenizer& error) {
    cfg.why_no_tokenizer = error.reason();
    return std::nullopt;
  }
}

LoadedCheckpoint load_checkpoint(const RunContext& ctx, const std::filesystem::path& path) {
  if (is_gguf(path)) return load_gguf(ctx, path);
  folder_of(path);
  const Checkpoint checkpoint = open_checkpoint(path);
  const JsonDocument config = read_json_file(config_file(path));
  const families::Family& family = family_of(config, config_file(path).string());
  LoadedCheckpoint loaded;
  loaded.cfg = read_config(family, config.root(), path);
  loaded.tokenizer = load_tokenizer(path, loaded.cfg);
  const TensorStore store = tensor_store(checkpoint);
  check_layers(loaded.cfg, store);
  loaded.weights = family.weights(ctx, loaded.cfg, store, is_tied(config.root(), family));
  return loaded;
}

HookedTransformer make_model(const RunContext& ctx, LoadedCheckpoint loaded,
                             const std::filesystem::path& path) {
  try {
    return {ctx, std::move(loaded.cfg), std::move(loaded.weights), std::move(loaded.tokenizer)};
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kBadData) throw;
    throw Error(error.kind(), "weights", fmt::format("{}: {}", path.string(), error.reason()));
  }
}

HookedTransformer load_model(const RunContext& ctx, const std::filesystem::path& path) {
  return make_model(ctx, load_checkpoint(ctx, path), path);
}

}  // namespace patchbay
