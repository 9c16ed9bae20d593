// patchbay model info: sizes, weights and tokenizer of a model, from its files' headers.
#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "cli/commands.h"
#include "cli/model_source.h"
#include "cli/output.h"
#include "patchbay/io/checkpoint.h"

namespace patchbay::cli {
namespace {

struct WeightFiles {
  std::vector<std::pair<std::string, std::int64_t>> files;  // path, bytes
  std::map<std::string, std::int64_t> tensors_by_dtype;
  std::int64_t n_params = 0;
};

// GPT-2's files carry the causal mask of every layer as if it were a weight.
bool is_mask(std::string_view name) {
  return name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias");
}

WeightFiles read_weight_files(const std::string& path) {
  const Checkpoint checkpoint = open_checkpoint(path);
  WeightFiles result;
  for (const SafetensorsFile& file : checkpoint.files()) {
    result.files.emplace_back(file.path(),
                              static_cast<std::int64_t>(std::filesystem::file_size(file.path())));
    for (const TensorInfo& tensor : file.tensors()) {
      if (is_mask(tensor.name)) continue;
      ++result.tensors_by_dtype[std::string(dtype_name(tensor.dtype))];
      result.n_params += element_count(tensor.shape, dtype_size(tensor.dtype)).value_or(0);
    }
  }
  return result;
}

std::string tokenizer_file(const std::string& model) {
  const std::filesystem::path folder = std::filesystem::is_directory(model)
                                           ? std::filesystem::path(model)
                                           : std::filesystem::path(model).parent_path();
  return std::filesystem::exists(folder / "tokenizer.json") ? "tokenizer.json"
                                                            : "vocab.json and merges.txt";
}

std::string bos_text(const Tokenizer& tokenizer) {
  const auto bos = tokenizer.bos_token_id();
  return bos ? fmt::format("{} ({})", quote(tokenizer.token_bytes(*bos)), *bos) : "none";
}

std::string text_of(const ModelInfo& command, const HookedTransformerConfig& cfg,
                    const WeightFiles& weights, const std::optional<Tokenizer>& tokenizer) {
  std::string text;
  const auto line = [&text](std::string_view name, const std::string& value) {
    text += fmt::format("{:<12}  {}\n", name, value);
  };
  const auto id = [](const auto& token) { return token ? std::to_string(*token) : "none"; };
  text += heading(cfg.model_name) + "\n";
  line("family", cfg.original_family);
  for (const auto& [name, value] :
       {std::pair{"n_layers", cfg.n_layers}, std::pair{"n_heads", cfg.n_heads},
        std::pair{"d_model", cfg.d_model}, std::pair{"d_head", cfg.d_head},
        std::pair{"d_mlp", cfg.d_mlp}, std::pair{"n_ctx", cfg.n_ctx},
        std::pair{"d_vocab", cfg.d_vocab}}) {
    line(name, std::to_string(value));
  }
  line("act_fn", std::string(name_of(cfg.act_fn)));
  line("eps", json_number(cfg.eps));
  line("attn_scale", json_number(cfg.attn_scale));
  line("bos, eos", id(cfg.bos_token_id) + ", " + id(cfg.eos_token_id));
  line("parameters", with_commas(weights.n_params));
  for (const auto& [dtype, count] : weights.tensors_by_dtype) {
    line("tensors", fmt::format("{} of {}", count, dtype));
  }
  for (const auto& [path, bytes] : weights.files) {
    line("file", fmt::format("{}, {} bytes", path, with_commas(bytes)));
  }
  if (!tokenizer) {
    line("tokenizer", "none");
    return text;
  }
  line("tokenizer", fmt::format("byte-level BPE from {}, {} tokens", tokenizer_file(command.model),
                                tokenizer->d_vocab()));
  line("BOS", bos_text(*tokenizer));
  return text;
}

std::string json_of(const ModelInfo& command, const HookedTransformerConfig& cfg,
                    const WeightFiles& weights, const std::optional<Tokenizer>& tokenizer) {
  JsonWriter json;
  const auto id = [&json](std::string_view name, const auto& token) {
    json.key(name);
    token ? json.value(*token) : json.null();
  };
  json.begin_object().member("model", cfg.model_name).key("config").begin_object();
  json.member("original_family", cfg.original_family).member("n_layers", cfg.n_layers);
  json.member("n_heads", cfg.n_heads).member("d_model", cfg.d_model);
  json.member("d_head", cfg.d_head).member("d_mlp", cfg.d_mlp).member("n_ctx", cfg.n_ctx);
  json.member("d_vocab", cfg.d_vocab).member("act_fn", name_of(cfg.act_fn));
  json.member("eps", cfg.eps).member("attn_scale", cfg.attn_scale);
  id("bos_token_id", cfg.bos_token_id);
  id("eos_token_id", cfg.eos_token_id);
  json.end_object().member("n_params", weights.n_params);
  json.key("tensors").begin_object(JsonLayout::kInline);
  for (const auto& [dtype, count] : weights.tensors_by_dtype) json.member(dtype, count);
  json.end_object().key("files").begin_array();
  for (const auto& [path, bytes] : weights.files) {
    json.begin_object(JsonLayout::kInline).member("path", path).member("bytes", bytes);
    json.end_object();
  }
  json.end_array().key("tokenizer");
  if (!tokenizer) return json.null().end_object().take();
  json.begin_object().member("kind", std::string_view("byte-level BPE"));
  json.member("from", tokenizer_file(command.model)).member("d_vocab", tokenizer->d_vocab());
  id("bos_token_id", tokenizer->bos_token_id());
  json.key("special_tokens").begin_array();
  for (const AddedToken& token : tokenizer->special_tokens()) {
    json.begin_object(JsonLayout::kInline).member("id", token.id).member("token", token.content);
    json.end_object();
  }
  return json.end_array().end_object().end_object().take();
}

}  // namespace

int run(const ModelInfo& command) {
  const HookedTransformerConfig cfg = config_of(command.model);
  const ModelInfo located{command.common, locate_model(command.model).path.string()};
  const WeightFiles weights = read_weight_files(located.model);
  const std::optional<Tokenizer> tokenizer = load_tokenizer(located.model);
  write_output((command.common.json ? json_of : text_of)(located, cfg, weights, tokenizer));
  return 0;
}

}  // namespace patchbay::cli
