// GPT-2 checkpoints as people have them, and as they should not be.
#include <gtest/gtest.h>

#include <map>

#include "tests/support/editable_checkpoint.h"

namespace patchbay {
namespace {

class Gpt2Checkpoint : public EditableCheckpoint {
 protected:
  Gpt2Checkpoint() : EditableCheckpoint("tiny-gpt2") {}
};

TEST_F(Gpt2Checkpoint, ReadsNamesWithThePrefixAndATiedHead) {
  std::map<std::string, Tensor> renamed;
  for (auto& [name, tensor] : tensors_) renamed["transformer." + name] = tensor;
  renamed["lm_head.weight"] = tensors_["wte.weight"];
  tensors_ = std::move(renamed);
  expect_same_logits();
}

TEST_F(Gpt2Checkpoint, ReadsFilesWithoutMaskBuffers) {
  std::erase_if(tensors_, [](const auto& item) { return item.first.ends_with(".attn.bias"); });
  expect_same_logits();
}

TEST_F(Gpt2Checkpoint, ReadsNamesOfACompiledModel) {
  std::map<std::string, Tensor> renamed;
  for (auto& [name, tensor] : tensors_) renamed["_orig_mod.transformer." + name] = tensor;
  renamed["_orig_mod.lm_head.weight"] = tensors_["wte.weight"];
  tensors_ = std::move(renamed);
  expect_same_logits();
  const std::int64_t tied = summarize_checkpoint(folder_.path()).n_params;
  tensors_.erase("_orig_mod.lm_head.weight");
  expect_same_logits();
  EXPECT_EQ(summarize_checkpoint(folder_.path()).n_params, tied);
}

TEST_F(Gpt2Checkpoint, WithoutBiasesIsOneWhoseBiasesAreZero) {
  const auto is_bias = [](const std::string& name, std::string_view part) {
    return name.ends_with(".bias") && !name.ends_with(".attn.bias") &&
           name.find(part) != std::string::npos;
  };
  const std::map<std::string, Tensor> whole = tensors_;
  using Parts = std::vector<std::string>;
  for (const auto& [part, said] :
       {std::pair{"", Parts{"ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj",
                            "ln_f"}},
        std::pair{"c_attn", Parts{"attn.c_attn"}}, std::pair{"ln_f", Parts{"ln_f"}}}) {
    tensors_ = whole;
    for (auto& [name, tensor] : tensors_) {
      if (is_bias(name, part)) tensor = Tensor(tensor.shape());
    }
    const Logits zero = load().run(tiny_.ctx, tiny_.clean());
    EXPECT_TRUE(summarize_checkpoint(folder_.path()).biases_taken_as_zero.empty());
    std::erase_if(tensors_,
                  [&, wanted = part](const auto& item) { return is_bias(item.first, wanted); });
    const Logits absent = load().run(tiny_.ctx, tiny_.clean());
    EXPECT_TRUE(std::ranges::equal(absent.values.flat(), zero.values.flat())) << part;
    EXPECT_EQ(summarize_checkpoint(folder_.path()).biases_taken_as_zero, said);
  }
}

TEST_F(Gpt2Checkpoint, CountsNoMasksAndATiedHeadOnce) {
  constexpr std::int64_t kInBlock = 12 * 32 * 32 + 13 * 32;
  constexpr std::int64_t kTied = (300 + 32) * 32 + 3 * kInBlock + 2 * 32;
  tensors_["h.0.attn.masked_bias"] = Tensor({1});
  load();
  CheckpointSummary summary = summarize_checkpoint(folder_.path());
  EXPECT_EQ(summary.n_params, kTied);
  EXPECT_EQ(summary.tensors_by_type, (std::map<std::string, std::int64_t>{{"F32", 4 + 3 * 12}}));
  EXPECT_EQ(summary.tokenizer, "");
  tensors_["lm_head.weight"] = tensors_["wte.weight"];
  load();
  summary = summarize_checkpoint(folder_.path());
  EXPECT_EQ(summary.n_params, kTied);
  EXPECT_EQ(summary.tensors_by_type.at("F32"), 5 + 3 * 12);
  replace("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false");
  load();
  EXPECT_EQ(summarize_checkpoint(folder_.path()).n_params, kTied + 300 * 32);
}

TEST_F(Gpt2Checkpoint, ReadsAnUntiedHead) {
  replace("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false");
  Tensor head = tensors_["wte.weight"];
  for (float& value : head.flat()) value *= 2.0F;
  tensors_["lm_head.weight"] = head;
  const Logits expected = tiny_.model.run(tiny_.ctx, tiny_.clean());
  const Logits logits = load().run(tiny_.ctx, tiny_.clean());
  for (std::size_t i = 0; i < expected.values.flat().size(); ++i) {
    EXPECT_EQ(logits.values.flat()[i], 2.0F * expected.values.flat()[i]);  // exact: a power of two
  }
}

TEST_F(Gpt2Checkpoint, ReadsAnMlpOfAnotherSize) {
  replace("\"n_inner\": null", "\"n_inner\": 128");
  expect_same_logits();
  replace("\"n_inner\": 128", "\"n_inner\": 64");
  EXPECT_EQ(
      error(),
      "[gpt2] DIR: \"h.0.mlp.c_fc.weight\" has shape [32, 128]; config.json asks for [32, 64]");
}

TEST_F(Gpt2Checkpoint, OpensAFileBesideItsConfig) {
  load();
  const HookedTransformer model = load_model(tiny_.ctx, folder_.path() / "model.safetensors");
  EXPECT_EQ(model.cfg().n_layers, 3);
  EXPECT_EQ(model.cfg().model_name, folder_.path().filename().string());
}

TEST_F(Gpt2Checkpoint, NamesAMissingTensor) {
  tensors_.erase("h.1.mlp.c_proj.bias");
  EXPECT_NE(error().find("[gpt2] DIR: tensor \"h.1.mlp.c_proj.bias\" is missing; a gpt2 checkpoint "
                         "has wte, wpe, ln_f"),
            std::string::npos);
  EXPECT_EQ(kind_, ErrorKind::kBadData);
}

TEST_F(Gpt2Checkpoint, NamesATensorThatItDoesNotKnow) {
  replace("\"n_layer\": 3", "\"n_layer\": 2");
  EXPECT_EQ(
      error(),
      "[gpt2] DIR: \"h.2.attn.c_attn.bias\" is not a tensor of a gpt2 model of 2 layers; check "
      "that config.json belongs to this checkpoint");
}

TEST_F(Gpt2Checkpoint, RefusesAHeadThatContradictsTheConfig) {
  tensors_["lm_head.weight"] = tensors_["wte.weight"];
  tensors_["lm_head.weight"](7, 7) += 1.0F;
  EXPECT_NE(error().find("\"lm_head.weight\" differs from wte, though config.json ties them"),
            std::string::npos);
  tensors_.erase("lm_head.weight");
  replace("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false");
  EXPECT_NE(error().find("\"lm_head.weight\" is missing, and config.json says"), std::string::npos);
}

TEST_F(Gpt2Checkpoint, RefusesNumbersThatAreNotFinite) {
  tensors_["h.2.mlp.c_fc.weight"](3, 5) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(error().find(": \"blocks.2.mlp.W_in\" holds a NaN or an infinity; the checkpoint is "
                         "damaged or was trained to nothing"),
            std::string::npos);
}

TEST_F(Gpt2Checkpoint, RefusesConfigsThatContradictThemselves) {
  expect_refused({
      {"\"n_head\": 4", "\"n_head\": 5", "\"n_head\" does not divide \"n_embd\", which is 32"},
      {"\"n_head\": 4", "\"n_head\": 0", "\"n_head\" does not divide \"n_embd\", which is 32"},
      {"\"n_ctx\": 32", "\"n_ctx\": 64", "\"n_ctx\" contradicts \"n_positions\", which is 32"},
      {"\"n_layer\": 3", "\"n_layer\": 0", "n_layers is 0; it must be from 1 to"},
      {"\"n_layer\": 3", "\"n_layer\": 3.5", "\"n_layer\" must be"},
      {"\"vocab_size\": 300", "\"vocab_size\": 301", "config.json asks for [301, 32]"},
      {"\"bos_token_id\": 299", "\"bos_token_id\": 300", "outside the vocabulary of 300 tokens"},
      {"\"gelu_new\"", "\"mish\"", "\"activation_function\" is \"mish\"; patchbay knows gelu_new"},
      {"\"model_type\": \"gpt2\"", "\"model_type\": \"gtp2\"", "did you mean \"gpt2\"?"},
      {"\"layer_norm_epsilon\": 1e-05", "\"layer_norm_epsilon\": -1", "eps is -1"},
      {"\"n_ctx\": 32", "\"n_ctx\": 32, \"add_cross_attention\": true", "does not compute"},
  });
}

}  // namespace
}  // namespace patchbay
