// The tiny models as llama.cpp would store them, against the safetensors that they were made from;
// and GGUF files that are of no model that patchbay computes.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <map>

#include "patchbay/base/error.h"
#include "tests/io/gguf_builder.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

using testing::gguf_entry;
using testing::gguf_string;
using testing::u32;

std::string f32(float value) { return testing::raw(value); }

Tensor transposed_of(const Tensor& x) {
  Tensor result({x.shape()[1], x.shape()[0]});
  for (std::int64_t i = 0; i < x.shape()[0]; ++i) {
    for (std::int64_t j = 0; j < x.shape()[1]; ++j) result(j, i) = x(i, j);
  }
  return result;
}

// Rows [heads·d_head, d_model] in llama.cpp's order: dimensions that turn together side by side.
Tensor interleaved(const Tensor& x, std::int64_t d_head) {
  Tensor result(x.shape());
  for (std::int64_t row = 0; row < x.shape()[0]; ++row) {
    const std::int64_t i = row % d_head;
    const std::int64_t to = row - i + (i < d_head / 2 ? 2 * i : 2 * (i - d_head / 2) + 1);
    std::ranges::copy(x[row].flat(), result[to].data());
  }
  return result;
}

// A file of one tiny model, open to changes.
struct GgufModel {
  std::map<std::string, std::string> entries;  // key → entry
  std::map<std::string, Tensor> tensors;

  void set(const std::string& key, std::uint32_t value) {
    entries[key] = gguf_entry(key, testing::kUint32, u32(value));
  }
  void set(const std::string& key, float value) {
    constexpr std::uint32_t kFloat32 = 6;
    entries[key] = gguf_entry(key, kFloat32, f32(value));
  }
  void set(const std::string& key, const char* value) {
    entries[key] = gguf_entry(key, testing::kString, gguf_string(value));
  }

  [[nodiscard]] std::string bytes() const {
    testing::GgufBuilder builder;
    for (const auto& [key, entry] : entries) builder.entries.push_back(entry);
    for (const auto& [name, tensor] : tensors) {
      const auto extents = tensor.shape().extents();
      const std::vector<std::uint64_t> dims(extents.rbegin(), extents.rend());
      builder.tensors.push_back(testing::gguf_tensor(name, dims, 0, builder.data.size()));
      const auto* data = reinterpret_cast<const char*>(tensor.data());
      builder.data.append(data, static_cast<std::size_t>(tensor.size()) * sizeof(float));
      builder.data.resize((builder.data.size() + 31) / 32 * 32);
    }
    return builder.bytes();
  }
};

using Names = std::vector<std::pair<std::string, std::string>>;

// "h.3.ln_1.weight" → "blk.3.attn_norm.weight"
std::string renamed(std::string name, const Names& names) {
  for (const auto& [from, to] : names) {
    const std::size_t at = name.find(from);
    if (at != std::string::npos) return name.replace(at, from.size(), to);
  }
  return name;
}

GgufModel tiny_gpt2() {
  GgufModel model;
  model.set("general.architecture", "gpt2");
  model.set("gpt2.block_count", 3U);
  model.set("gpt2.context_length", 32U);
  model.set("gpt2.embedding_length", 32U);
  model.set("gpt2.feed_forward_length", 128U);
  model.set("gpt2.attention.head_count", 4U);
  model.set("gpt2.attention.layer_norm_epsilon", 1e-5F);
  model.set("gpt2.vocab_size", 300U);
  const Names outside = {{"wte", "token_embd"}, {"wpe", "position_embd"}, {"ln_f", "output_norm"}};
  const Names inside = {{"ln_1", "attn_norm"},          {"attn.c_attn", "attn_qkv"},
                        {"attn.c_proj", "attn_output"}, {"ln_2", "ffn_norm"},
                        {"mlp.c_fc", "ffn_up"},         {"mlp.c_proj", "ffn_down"}};
  const auto file = SafetensorsFile::open(golden_folder("tiny-gpt2") / "model.safetensors");
  for (const TensorInfo& info : file.tensors()) {
    if (info.name.ends_with(".attn.bias")) continue;
    Tensor tensor = file.read(info.name);
    const bool is_map = info.name.find(".c_") != std::string::npos && tensor.shape().rank() == 2;
    if (is_map) tensor = transposed_of(tensor);
    std::string name = renamed(renamed(info.name, inside), outside);
    if (name.starts_with("h.")) name = "blk." + name.substr(2);
    model.tensors[name] = std::move(tensor);
  }
  return model;
}

GgufModel tiny_llama() {
  GgufModel model;
  model.set("general.architecture", "llama");
  model.set("llama.block_count", 3U);
  model.set("llama.context_length", 32U);
  model.set("llama.embedding_length", 48U);
  model.set("llama.feed_forward_length", 80U);
  model.set("llama.attention.head_count", 6U);
  model.set("llama.attention.head_count_kv", 2U);
  model.set("llama.attention.layer_norm_rms_epsilon", 1e-5F);
  model.set("llama.rope.dimension_count", 8U);
  model.set("llama.vocab_size", 300U);
  const Names names = {
      {"input_layernorm", "attn_norm"},     {"self_attn.q_proj", "attn_q"},
      {"self_attn.k_proj", "attn_k"},       {"self_attn.v_proj", "attn_v"},
      {"self_attn.o_proj", "attn_output"},  {"post_attention_layernorm", "ffn_norm"},
      {"mlp.gate_proj", "ffn_gate"},        {"mlp.up_proj", "ffn_up"},
      {"mlp.down_proj", "ffn_down"},        {"lm_head", "output"},
      {"model.embed_tokens", "token_embd"}, {"model.norm", "output_norm"}};
  const auto file = SafetensorsFile::open(golden_folder("tiny-llama") / "model.safetensors");
  for (const TensorInfo& info : file.tensors()) {
    std::string name = renamed(info.name, names);
    if (name.starts_with("model.layers.")) name = "blk." + name.substr(13);
    const bool turns = name.ends_with("attn_q.weight") || name.ends_with("attn_k.weight");
    Tensor tensor = file.read(info.name);
    model.tensors[name] = turns ? interleaved(tensor, 8) : std::move(tensor);
  }
  return model;
}

class GgufFamilies : public ::testing::Test {
 protected:
  HookedTransformer load(const GgufModel& model) {
    const auto path = folder_.path() / "model.gguf";
    std::ofstream(path, std::ios::binary) << model.bytes();
    return load_model(ctx_, path);
  }

  void expect_same_logits(const GgufModel& model, const TinyModel& tiny) {
    const Logits logits = load(model).run(ctx_, tiny.clean());
    const Logits expected = tiny.model.run(ctx_, tiny.clean());
    ASSERT_EQ(logits.values.size(), expected.values.size());
    EXPECT_EQ(std::memcmp(logits.values.data(), expected.values.data(),
                          static_cast<std::size_t>(expected.values.size()) * sizeof(float)),
              0);
  }

  std::string error(const GgufModel& model) {
    try {
      load(model);
    } catch (const Error& error) {
      EXPECT_TRUE(error.kind() == ErrorKind::kBadData || error.kind() == ErrorKind::kBadConfig);
      return error.what();
    }
    return "no error";
  }

  RunContext ctx_;
  testing::TemporaryDirectory folder_;
};

TEST_F(GgufFamilies, Gpt2IsBitForBitTheModelItWasMadeFrom) {
  expect_same_logits(tiny_gpt2(), TinyGpt2());
}

TEST_F(GgufFamilies, LlamaIsBitForBitTheModelItWasMadeFrom) {
  expect_same_logits(tiny_llama(), TinyModel("tiny-llama"));
}

TEST_F(GgufFamilies, SummaryCountsWhatTheFileStores) {
  const std::string bytes = tiny_llama().bytes();
  load(tiny_llama());
  const CheckpointSummary summary = summarize_checkpoint(folder_.path() / "model.gguf");
  constexpr std::int64_t kInBlock = 2 * 48 * 48 + 2 * 16 * 48 + 3 * 80 * 48 + 2 * 48;
  EXPECT_EQ(summary.n_params, 2 * 300 * 48 + 3 * kInBlock + 48);
  EXPECT_EQ(summary.tensors_by_type, (std::map<std::string, std::int64_t>{{"F32", 3 + 3 * 9}}));
  ASSERT_EQ(summary.files.size(), 1U);
  EXPECT_EQ(summary.files[0].bytes, static_cast<std::int64_t>(bytes.size()));
  EXPECT_EQ(summary.tokenizer, "");
}

TEST_F(GgufFamilies, WithoutAnOutputTheUnembeddingIsTheEmbedding) {
  GgufModel tied = tiny_llama();
  tied.tensors["output.weight"] = tied.tensors["token_embd.weight"];
  const TinyModel tiny("tiny-llama");
  const Logits expected = load(tied).run(ctx_, tiny.clean());
  tied.tensors.erase("output.weight");
  const Logits logits = load(tied).run(ctx_, tiny.clean());
  EXPECT_TRUE(std::ranges::equal(logits.values.flat(), expected.values.flat()));
}

TEST_F(GgufFamilies, TakesWhatIsUsualWhereTheFileIsSilent) {
  GgufModel model = tiny_llama();
  model.entries.erase("llama.rope.dimension_count");
  const HookedTransformerConfig cfg = load(model).cfg();
  EXPECT_EQ(cfg.d_head, 8);
  EXPECT_EQ(cfg.rotary_base, 10000.0);
  EXPECT_EQ(cfg.model_name, "model");
  EXPECT_FALSE(cfg.bos_token_id.has_value());
}

TEST_F(GgufFamilies, RefusesWhatItDoesNotCompute) {
  const std::vector<std::tuple<GgufModel, std::function<void(GgufModel&)>, std::string>> mistakes =
      {
          {tiny_gpt2(), [](GgufModel& m) { m.set("general.architecture", "gtp2"); },
           "did you mean \"gpt2\"?"},
          {tiny_gpt2(), [](GgufModel& m) { m.entries.erase("gpt2.block_count"); },
           "gpt2.block_count"},
          {tiny_gpt2(), [](GgufModel& m) { m.set("gpt2.attention.head_count", 5U); },
           "does not divide the embedding length, which is 32"},
          {tiny_gpt2(), [](GgufModel& m) { m.tensors.erase("blk.1.ffn_up.bias"); },
           "tensor \"blk.1.ffn_up.bias\" is missing; a gpt2 checkpoint has"},
          {tiny_gpt2(), [](GgufModel& m) { m.set("gpt2.vocab_size", 301U); },
           "its metadata asks for [301, 32]"},
          {tiny_llama(), [](GgufModel& m) { m.set("llama.rope.scaling.type", "yarn"); },
           "scales rotary embeddings"},
          {tiny_llama(), [](GgufModel& m) { m.set("llama.expert_count", 8U); },
           "mixtures of experts"},
          {tiny_llama(), [](GgufModel& m) { m.set("llama.rope.dimension_count", 4U); },
           "a part of a head"},
          {tiny_llama(), [](GgufModel& m) { m.set("llama.attention.head_count_kv", 4U); },
           "n_key_value_heads is 4; it must divide n_heads, which is 6"},
          {tiny_llama(), [](GgufModel& m) { m.tensors["blk.0.attn_q.bias"] = Tensor({48}); },
           "\"blk.0.attn_q.bias\" is not a tensor of a llama model of 3 layers"},
          {tiny_llama(), [](GgufModel& m) { m.set("tokenizer.ggml.bos_token_id", 300U); },
           "outside the vocabulary of 300 tokens"},
      };
  for (auto [model, change, what] : mistakes) {
    change(model);
    EXPECT_NE(error(model).find(what), std::string::npos) << what << "\n" << error(model);
  }
}

}  // namespace
}  // namespace patchbay
