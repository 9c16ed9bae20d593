// LLaMA checkpoints as people have them, and as they should not be.
#include <gtest/gtest.h>

#include <map>

#include "patchbay/model/weight_processing.h"
#include "tests/support/editable_checkpoint.h"

namespace patchbay {
namespace {

class LlamaCheckpoint : public EditableCheckpoint {
 protected:
  LlamaCheckpoint() : EditableCheckpoint("tiny-llama") {}
};

TEST_F(LlamaCheckpoint, ReadsWhatOlderAndNewerConfigsLeaveOut) {
  replace("\"head_dim\": 8,", "");
  replace("\"rope_scaling\": null,", "");
  replace("\"rope_theta\": 10000.0,",
          "\"rope_parameters\": {\"rope_theta\": 10000.0, "
          "\"rope_type\": \"default\"},");
  replace("\"eos_token_id\": 2", "\"eos_token_id\": [2, 3]");
  tensors_["model.layers.0.self_attn.rotary_emb.inv_freq"] = Tensor({4});
  expect_same_logits();
  EXPECT_FALSE(load().cfg().eos_token_id.has_value());
}

TEST_F(LlamaCheckpoint, ReadsTheRotaryBaseWhereverItIs) {
  replace("\"rope_theta\": 10000.0", "\"rope_theta\": 500000.0");
  EXPECT_EQ(load().cfg().rotary_base, 500000.0);
  replace("\"rope_theta\": 500000.0", "\"rope_parameters\": {\"rope_theta\": 70000.0}");
  EXPECT_EQ(load().cfg().rotary_base, 70000.0);
}

TEST_F(LlamaCheckpoint, ReadsATiedUnembedding) {
  tensors_["lm_head.weight"] = tensors_["model.embed_tokens.weight"];
  const Logits expected = load().run(tiny_.ctx, tiny_.clean());
  tensors_.erase("lm_head.weight");
  replace("\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true");
  const Logits logits = load().run(tiny_.ctx, tiny_.clean());
  EXPECT_TRUE(std::ranges::equal(logits.values.flat(), expected.values.flat()));
}

TEST_F(LlamaCheckpoint, WithoutKeyValueHeadsEveryHeadHasItsOwn) {
  replace("\"num_key_value_heads\": 2,", "");
  EXPECT_NE(error().find("\"model.layers.0.self_attn.k_proj.weight\" has shape [16, 48]; "
                         "config.json asks for [48, 48]"),
            std::string::npos)
      << error();
}

TEST_F(LlamaCheckpoint, NamesTensorsThatAreMissingOrUnknown) {
  Tensor up = tensors_["model.layers.1.mlp.up_proj.weight"];
  tensors_.erase("model.layers.1.mlp.up_proj.weight");
  EXPECT_NE(error().find("tensor \"model.layers.1.mlp.up_proj.weight\" is missing; a llama "
                         "checkpoint has model.embed_tokens"),
            std::string::npos);
  tensors_["model.layers.1.mlp.up_proj.weight"] = std::move(up);
  tensors_["model.layers.1.self_attn.q_proj.bias"] = Tensor({48});
  EXPECT_NE(error().find("\"model.layers.1.self_attn.q_proj.bias\" is not a tensor of a llama "
                         "model of 3 layers"),
            std::string::npos);
}

TEST_F(LlamaCheckpoint, RefusesWhatItDoesNotCompute) {
  expect_refused({
      {"\"attention_bias\": false", "\"attention_bias\": true", "does not compute"},
      {"\"mlp_bias\": false", "\"mlp_bias\": true", "does not compute"},
      {"\"rope_scaling\": null", R"("rope_scaling": {"rope_type": "llama3", "factor": 8.0})",
       "scales rotary embeddings (\"llama3\")"},
      {"\"rope_scaling\": null", R"("rope_scaling": {"type": "linear", "factor": 2.0})",
       "scales rotary embeddings (\"linear\")"},
      {"\"silu\"", "\"mish\"", "\"hidden_act\" is \"mish\"; patchbay knows gelu_new"},
      {"\"head_dim\": 8", "\"head_dim\": 7", "turn pairs, so it must be even"},
      {"\"num_key_value_heads\": 2", "\"num_key_value_heads\": 4", "must divide n_heads"},
      {"\"rope_theta\": 10000.0", "\"rope_theta\": 0.5", "rotary_base is 0.5"},
  });
}

TEST_F(LlamaCheckpoint, FoldingItsNormsChangesTheWeightsAndNotTheLogits) {
  LoadedCheckpoint loaded = tiny_.checkpoint();
  const Weights processed = process_weights(
      std::move(loaded.weights),
      {.fold_layer_norm = true, .center_unembed = false, .fold_value_biases = true});
  for (const float w : processed.blocks[1].ln2.w.flat()) EXPECT_EQ(w, 1.0F);
  const HookedTransformer model(tiny_.ctx, loaded.cfg, processed);
  const Logits logits = model.run(tiny_.ctx, tiny_.clean());
  const Logits expected = tiny_.model.run(tiny_.ctx, tiny_.clean());
  double error = 0.0;
  double power = 0.0;
  for (std::size_t i = 0; i < expected.values.flat().size(); ++i) {
    const auto value = static_cast<double>(expected.values.flat()[i]);
    const double difference = static_cast<double>(logits.values.flat()[i]) - value;
    error += difference * difference;
    power += value * value;
  }
  EXPECT_LE(error / power, 1e-11);
  EXPECT_GT(error, 0.0);  // other roundings: the fold was done
}

TEST_F(LlamaCheckpoint, CentringIsRefusedSinceItsNormsDoNotCentre) {
  Weights weights = tiny_.checkpoint().weights;
  try {
    center_writing_weights(weights);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("root-mean-square norms"), std::string::npos);
  }
}

}  // namespace
}  // namespace patchbay
