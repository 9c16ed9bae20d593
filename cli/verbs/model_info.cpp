// patchbay model info: sizes, weights and tokenizer of a model, from its files' headers.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "cli/options.h"
#include "cli/output.h"
#include "patchbay/base/visible_text.h"
#include "patchbay/families/family.h"
#include "patchbay/hub/load_model.h"

namespace patchbay::cli::verbs {

const Verb& model_info();

namespace {

// TransformerLens's word.
std::string_view normalization_name(const HookedTransformerConfig& cfg) {
  switch (cfg.normalization_type) {
    case NormKind::kNone:
      return "none";
    case NormKind::kLayer:
      return "LN";
    case NormKind::kRms:
      return "RMS";
  }
  return "";
}

std::string positions_text(const HookedTransformerConfig& cfg) {
  std::string text(name_of(cfg.positional_embedding_type));
  if (!cfg.is_rotary()) return text;
  text += fmt::format(", base {}", json_number(cfg.rotary_base));
  if (cfg.rotary_dims() != cfg.d_head) {
    text += fmt::format(", {} of {} dimensions turn", cfg.rotary_dims(), cfg.d_head);
  }
  return text + (cfg.rotary_adjacent_pairs ? ", adjacent ones in pairs" : "");
}

std::int64_t local_layers(const HookedTransformerConfig& cfg) {
  return std::ranges::count(cfg.attn_types, AttentionType::kLocal);
}

// What most models do not have, in TransformerLens's words.
std::vector<std::string> traits_of(const HookedTransformerConfig& cfg) {
  std::vector<std::string> traits;
  if (cfg.attn_only) traits.emplace_back("attn_only: no MLPs");
  if (cfg.parallel_attn_mlp) {
    traits.emplace_back("parallel_attn_mlp: attention and MLP read the same stream");
  }
  if (cfg.use_normalization_before_and_after) {
    traits.emplace_back("use_normalization_before_and_after: norms behind attention and MLP too");
  }
  if (cfg.use_qk_norm) traits.emplace_back("use_qk_norm: norms of queries and keys");
  for (const auto& [name, cap] :
       {std::pair{"attn_scores_soft_cap", cfg.attn_scores_soft_cap},
        std::pair{"output_logits_soft_cap", cfg.output_logits_soft_cap}}) {
    if (cap > 0) traits.push_back(fmt::format("{}: {}", name, json_number(cap)));
  }
  if (local_layers(cfg) > 0) {
    traits.push_back(fmt::format("window_size: {} tokens in {} of {} layers", cfg.window_size,
                                 local_layers(cfg), cfg.n_layers));
  }
  return traits;
}

std::string bos_text(const Tokenizer& tokenizer) {
  const auto bos = tokenizer.bos_token_id();
  return bos ? fmt::format("{} ({})", quoted_text(tokenizer.token_bytes(*bos)), *bos) : "none";
}

std::string text_of(const HookedTransformerConfig& cfg, const CheckpointSummary& weights,
                    const std::optional<Tokenizer>& tokenizer) {
  std::string text;
  const auto line = [&text](std::string_view name, const std::string& value) {
    text += fmt::format("{:<15}  {}\n", name, value);
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
  if (cfg.grouped_queries()) line("key/value heads", std::to_string(cfg.key_value_heads()));
  line("act_fn", fmt::format("{}{}", name_of(cfg.act_fn), cfg.gated_mlp ? ", gated" : ""));
  line("norm", fmt::format("{}, eps {}", normalization_name(cfg), json_number(cfg.eps)));
  line("positions", positions_text(cfg));
  line("attn_scale", json_number(cfg.attn_scale));
  for (const std::string& trait : traits_of(cfg)) line("trait", trait);
  line("bos, eos", id(cfg.bos_token_id) + ", " + id(cfg.eos_token_id));
  line("parameters", with_commas(weights.n_params));
  for (const auto& [dtype, count] : weights.tensors_by_type) {
    line("tensors", fmt::format("{} of {}", count, dtype));
  }
  if (!weights.biases_taken_as_zero.empty()) {
    line("taken as 0", fmt::format("the biases of {}, which are not there",
                                   fmt::join(weights.biases_taken_as_zero, ", ")));
  }
  for (const auto& [path, bytes] : weights.files) {
    line("file", fmt::format("{}, {} bytes", path, with_commas(bytes)));
  }
  if (!tokenizer) {
    line("tokenizer", cfg.why_no_tokenizer.empty() ? "none" : printable(cfg.no_tokenizer()));
    return text;
  }
  line("tokenizer",
       fmt::format("byte-level BPE from {}, {} tokens", weights.tokenizer, tokenizer->d_vocab()));
  line("BOS", bos_text(*tokenizer));
  return text;
}

std::string json_of(const HookedTransformerConfig& cfg, const CheckpointSummary& weights,
                    const std::optional<Tokenizer>& tokenizer) {
  JsonWriter json;
  json.begin_object().member("model", cfg.model_name).key("config").begin_object();
  json.member("original_family", cfg.original_family).member("n_layers", cfg.n_layers);
  json.member("n_heads", cfg.n_heads).member("d_model", cfg.d_model);
  json.member("d_head", cfg.d_head).member("d_mlp", cfg.d_mlp).member("n_ctx", cfg.n_ctx);
  json.member("d_vocab", cfg.d_vocab).member("n_key_value_heads", cfg.key_value_heads());
  json.member("act_fn", name_of(cfg.act_fn)).member("gated_mlp", cfg.gated_mlp);
  json.member("normalization_type", normalization_name(cfg));
  json.member("positional_embedding_type", name_of(cfg.positional_embedding_type));
  if (cfg.is_rotary()) {
    json.member("rotary_base", cfg.rotary_base).member("rotary_dim", cfg.rotary_dims());
    json.member("rotary_adjacent_pairs", cfg.rotary_adjacent_pairs);
  }
  json.member("eps", cfg.eps).member("attn_scale", cfg.attn_scale);
  json.member("attn_only", cfg.attn_only).member("parallel_attn_mlp", cfg.parallel_attn_mlp);
  json.member("use_normalization_before_and_after", cfg.use_normalization_before_and_after);
  json.member("use_qk_norm", cfg.use_qk_norm);
  json.member("attn_scores_soft_cap", cfg.attn_scores_soft_cap);
  json.member("output_logits_soft_cap", cfg.output_logits_soft_cap);
  json.member("window_size", cfg.window_size).key("attn_types").begin_array(JsonLayout::kInline);
  for (const AttentionType type : cfg.attn_types) {
    json.value(std::string_view(type == AttentionType::kLocal ? "local" : "global"));
  }
  json.end_array();
  json.member("bos_token_id", cfg.bos_token_id).member("eos_token_id", cfg.eos_token_id);
  json.end_object().member("n_params", weights.n_params);
  json.key("tensors").begin_object(JsonLayout::kInline);
  for (const auto& [dtype, count] : weights.tensors_by_type) json.member(dtype, count);
  json.end_object().row("biases_taken_as_zero", weights.biases_taken_as_zero);
  json.key("files").begin_array();
  for (const auto& [path, bytes] : weights.files) {
    json.begin_object(JsonLayout::kInline).member("path", path).member("bytes", bytes);
    json.end_object();
  }
  json.end_array().key("tokenizer");
  if (!tokenizer) {
    json.null();
    if (!cfg.why_no_tokenizer.empty()) json.member("why_no_tokenizer", cfg.why_no_tokenizer);
    return json.end_object().take();
  }
  json.begin_object().member("kind", std::string_view("byte-level BPE"));
  json.member("from", weights.tokenizer).member("d_vocab", tokenizer->d_vocab());
  json.member("bos_token_id", tokenizer->bos_token_id());
  json.key("special_tokens").begin_array();
  for (const AddedToken& token : tokenizer->special_tokens()) {
    json.begin_object(JsonLayout::kInline).member("id", token.id).member("token", token.content);
    json.end_object();
  }
  return json.end_array().end_object().end_object().take();
}

int run_given(const Given& given) {
  const hub::FoundModel found = hub::find_model(model_argument_of(given));
  HookedTransformerConfig cfg = hub::load_config(found);
  const CheckpointSummary weights = summarize_checkpoint(found.path);
  const std::optional<Tokenizer> tokenizer = load_tokenizer(found.path, cfg);
  write_output((given.flag("--json") ? json_of : text_of)(cfg, weights, tokenizer));
  return 0;
}

}  // namespace

const Verb& model_info() {
  static const Verb verb = {.place = 11,
                            .path = "model info",
                            .what = "sizes, weights and tokenizer of a model",
                            .examples =
                                "patchbay model info tests/golden/tiny-gpt2\n"
                                "patchbay model info --json tests/golden/tiny-gpt2",
                            .options = model_argument(),
                            .run = run_given};
  return verb;
}

}  // namespace patchbay::cli::verbs
