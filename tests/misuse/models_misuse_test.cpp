// Hooks, caches, models and the analyses of them refuse wrong calls.
#include <limits>
#include <utility>

#include "patchbay/families/family.h"
#include "patchbay/hooks/activation_cache.h"
#include "patchbay/hooks/activation_file.h"
#include "patchbay/hooks/hook_name.h"
#include "patchbay/hooks/hooks.h"
#include "patchbay/model/double_matrix.h"
#include "patchbay/model/factored_matrix.h"
#include "patchbay/model/generate.h"
#include "patchbay/model/head_circuits.h"
#include "patchbay/model/hooked_transformer.h"
#include "patchbay/model/logit_attribution.h"
#include "patchbay/model/loss.h"
#include "patchbay/model/residual_stack.h"
#include "patchbay/model/row_edits.h"
#include "patchbay/model/rows.h"
#include "patchbay/model/weight_processing.h"
#include "tests/misuse/misuse.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

using testing::expect_refused;

const TinyModel& tiny() {
  static const TinyModel model("tiny-gpt2");  // 3 layers of 4 heads
  return model;
}

const TinyModel& other() {
  static const TinyModel model("tiny-llama");
  return model;
}

const HookedTransformerConfig& cfg() { return tiny().model.cfg(); }

TEST(HookMisuse, IsRefused) {
  const auto no_point = static_cast<HookPoint>(99);
  const auto no_axis = static_cast<Axis>(99);
  const HookFunction no_function;
  const char* const no_pattern = nullptr;
  ActivationCache cache(cfg());
  const HookName z0 = {HookPoint::kZ, 0};
  expect_refused({
      {"info", [&] { (void)info(no_point); }, "no hook point 99"},
      {"name_of", [&] { (void)name_of(no_axis, cfg()); }, "no axis 99"},
      {"HookName::str",
       [&] {
         (void)HookName{no_point, 0}.str();
       },
       "no hook point 99"},
      {"HookName::shape", [&] { (void)z0.shape(cfg(), -1, 2); }, "negative extent"},
      {"HookName::parse", [] { (void)HookName::parse("", cfg()); }, "no hook point \"\""},
      {"HookName::parse", [] { (void)HookName::parse("blocks.9.attn.hook_z", cfg()); },
       "no hook point"},
      {"HookName::of", [] { (void)HookName::of("z", cfg(), 9); }, "layers 0 to 2"},
      {"HookName::of", [] { (void)HookName::of("z", cfg(), -4); }, "layers 0 to 2"},
      {"HookName::of", [] { (void)HookName::of("z", cfg()); }, "needs a layer"},
      {"NamesFilter", [&] { NamesFilter filter(no_pattern); }, "null pointer"},
      {"NamesFilter::resolve", [] { (void)NamesFilter("").resolve(cfg()); }, "matches \"\""},
      {"NamesFilter::resolve",
       [] {
         (void)NamesFilter(HookName{HookPoint::kZ, 9}).resolve(cfg());
       },
       "no hook point"},
      {"Hooks",
       [&] {
         Hooks({{"*", no_function}});
       },
       "without a function"},
      {"Hooks::add", [&] { Hooks().add("*", no_function); }, "without a function"},
      {"ActivationCache::operator[]", [&] { (void)cache[z0]; }, "was not kept"},
      {"ActivationCache::operator[]", [&] { (void)cache["no such"]; }, "no hook point"},
      {"ActivationCache::operator()", [&] { (void)cache("z", 9); }, "layers 0 to 2"},
      {"ActivationCache::insert",
       [&] {
         cache.insert({HookPoint::kZ, 9}, Tensor({1, 2}));
       },
       "no hook point"},
      {"ActivationCache::insert",
       [&] {
         cache.insert(z0, Tensor({1, 2}));
       },
       "not [1, 2]"},
      {"ActivationCache::insert",
       [&] {
         ActivationCache().insert(z0, Tensor({1, 2}));
       },
       "a model of 0 layers"},
  });
}

TEST(ModelMisuse, OfRunsIsRefused) {
  const RunContext& ctx = tiny().ctx;
  const HookedTransformer& model = tiny().model;
  const auto run = [&](std::vector<Prompt> prompts, Demand demand = {}) {
    return [&ctx, &model, prompts, demand] { (void)model.run(ctx, prompts, demand); };
  };
  const auto bad_token = static_cast<TokenId>(cfg().d_vocab);
  const Logits logits = model.run(ctx, {{1, 2, 3}}, {.logits = Demand::At::kLastPosition});
  HookedTransformer source = model;
  const HookedTransformer target = std::move(source);
  const BaseRun base = model.base_run(ctx, {{1, 2, 3}});
  const BaseRun foreign = other().model.base_run(other().ctx, {{1, 2, 3}});
  const auto replay = [&](const BaseRun& from, ReplayStart start) {
    return [&, start] { (void)model.replay(ctx, from, start); };
  };
  const std::vector<float> row(static_cast<std::size_t>(cfg().d_model));
  const auto edit = [&](HookName name, RowEdit one) {
    ReplayStart start = {.base_prompt = {0}, .edits = {}};
    start.edits.add(name, one);
    return replay(base, start);
  };
  const auto read = [&](RowRead one) {
    return [&, one] {
      std::vector<RowRead> reads = {one};
      model.replay_rows(ctx, base, {.base_prompt = {0}, .edits = {}}, reads);
    };
  };
  const RowSet beyond({{0, 3}});
  const HookedTransformer no_tokenizer(ctx, cfg(), model.weights());
  expect_refused({
      {"run", run({{}}), "is empty"},
      {"run", run({{1}, {-1}}), "prompt 1 holds token -1"},
      {"run", run({{bad_token}}), "holds token"},
      {"run", run({Prompt(static_cast<std::size_t>(cfg().n_ctx) + 1, 1)}), "reads at most"},
      {"run", run({{1}}, {.rows = {{0, 0}}}), "set `logits` to At::kRows"},
      {"run", run({{1}}, {.logits = Demand::At::kRows, .rows = {{0, 1}}}), "does not exist"},
      {"run", run({{1}}, {.logits = Demand::At::kRows, .rows = {{-1, 0}}}), "does not exist"},
      {"run", run({{1}}, {.tokens = {bad_token}}), "the vocabulary has 0 to"},
      {"run", [&] { (void)source.run(ctx, {{1}}); }, "was moved from"},  // NOLINT: meant
      {"weights", [&] { (void)source.weights(); }, "was moved from"},
      {"run_with_hooks",
       [&] {
         (void)model.run_with_hooks(ctx, {{1}, {1, 2}}, {{"*", [](auto, const auto&) {}}});
       },
       "equally long"},
      {"run_with_cache", [&] { (void)model.run_with_cache(ctx, {{1}}, "no such"); },
       "no hook point matches"},
      {"Logits::at", [&] { (void)logits.at(0, 0); }, "was not asked for"},
      {"Logits::at", [&] { (void)logits.at(0, -2); }, "was not asked for"},
      {"Logits::at", [&] { (void)logits.at(1, -1); }, "was not asked for"},
      {"tokenizer", [&] { (void)no_tokenizer.tokenizer(); }, "has no tokenizer"},
      {"to_tokens", [&] { (void)no_tokenizer.to_tokens("x", false); }, "has no tokenizer"},
      {"HookedTransformer", [&] { HookedTransformer(ctx, cfg(), Weights()); }, "0 blocks",
       ErrorKind::kBadData},
      {"HookedTransformer", [&] { HookedTransformer(ctx, {}, Weights()); }, "n_layers is 0",
       ErrorKind::kBadConfig},
      {"replay", replay(BaseRun(), {.base_prompt = {0}, .edits = {}}), "of another model"},
      {"replay", replay(foreign, {.base_prompt = {0}, .edits = {}}), "of another model"},
      {"replay", replay(base, {.base_prompt = {1}, .edits = {}}), "no prompt 1"},
      {"replay", replay(base, {.base_prompt = {-1}, .edits = {}}), "no prompt -1"},
      {"replay", edit({HookPoint::kResidPre, 9}, {.row = {0, 0}, .values = row}), "no hook point"},
      {"replay", edit({HookPoint::kResidPre, 1}, {.row = {0, 3}, .values = row}), "position 3"},
      {"replay", edit({HookPoint::kResidPre, 1}, {.row = {1, 0}, .values = row}), "sequence 1"},
      {"replay", edit({HookPoint::kResidPre, 1}, {.row = {0, 0}, .begin = 1, .values = row}),
       "from element 1"},
      {"replay", edit({HookPoint::kAttnIn, 1}, {.row = {0, 0}, .values = row}), "use a hook"},
      {"replay_rows", read({.name = {HookPoint::kPattern, 0}, .rows = {}, .values = {}}),
       "cannot be read from a replay"},
      {"replay_rows", read({.name = {HookPoint::kResidPre, 0}, .rows = beyond, .values = {}}),
       "position 3"},
      {"RowEdits::add_rows",
       [&] {
         RowEdits().add_rows({HookPoint::kResidPre, 0}, std::vector<Row>{{0, 0}}, Tensor({2, 3}));
       },
       "those of 1 rows"},
      {"RowSet::operator[]", [&] { (void)beyond[1]; }, "no row 1; there are 0 to 0"},
      {"RowPicker",
       [&] {
         RowPicker(beyond, RowSet({{0, 4}}));
       },
       "not among the 1 rows"},
      {"RowPicker",
       [&] {
         (void)RowPicker(beyond, beyond)(Tensor({2, 3}));
       },
       "[2, 3]"},
  });
}

TEST(ModelMisuse, OfNextTokensIsRefused) {
  const HookedTransformer& model = tiny().model;
  const RunContext& ctx = tiny().ctx;
  const NextToken next = next_token(ctx, model, {1, 2});
  expect_refused({
      {"next_token", [&] { (void)next_token(ctx, model, {}); }, "is empty"},
      {"next_token", [&] { (void)next_token(ctx, model, {-1}); }, "-1"},
      {"NextToken::rank", [&] { (void)next.rank(-1); }, "no token -1"},
      {"NextToken::rank", [] { (void)NextToken().rank(0); }, "no token 0; there are none"},
      {"generate", [&] { (void)generate(ctx, model, {1}, -1); }, "-1 tokens cannot be generated"},
      {"generate", [&] { (void)generate(ctx, model, {1}, cfg().n_ctx + 1); }, "reads at most"},
      {"generate",
       [&] { (void)generate(ctx, model, {1}, std::numeric_limits<std::int64_t>::max()); },
       "cannot be generated"},
      {"generate", [&] { (void)generate(ctx, model, {}, 1); }, "is empty"},
  });
}

TEST(ModelMisuse, OfActivationFilesIsRefused) {
  const testing::TemporaryDirectory folder;
  ActivationFile file(folder.path() / "x.npz");
  file.add_tokens({});
  expect_refused({
      {"ActivationFile", [] { ActivationFile("/no/such/folder/x.npz"); }, "/no/such/folder",
       ErrorKind::kCannotCreate},
      {"ActivationFile::add_tokens", [&] { file.add_tokens({}); }, "tokens"},
      {"ActivationFile::add_logits",
       [&] {
         file.add_logits(Tensor({1, 2, 3}));
       },
       "[pos, d_vocab]"},
  });
}

TEST(ModelMisuse, OfLossesIsRefused) {
  const RunContext& ctx = tiny().ctx;
  const std::vector<Prompt> prompts = {{1, 2, 3}};
  const Logits logits = tiny().model.run(ctx, prompts);
  Logits chosen = tiny().model.run(ctx, prompts, {.tokens = {1}});
  Logits negative = logits;
  negative.rows = RowSet({{0, -1}, {0, 0}, {0, 1}});
  Logits short_one = logits;
  short_one.values = Tensor({1, cfg().d_vocab});
  expect_refused({
      {"loss_per_token", [&] { (void)loss_per_token(ctx, chosen, prompts); }, "chosen tokens"},
      {"loss_per_token", [&] { (void)loss_per_token(ctx, logits, {}); }, "not of these prompts"},
      {"loss_per_token", [&] { (void)loss_per_token(ctx, logits, {{1}}); }, "not of these prompts"},
      {"loss_per_token", [&] { (void)loss_per_token(ctx, negative, prompts); }, "position -1"},
      {"loss_per_token", [&] { (void)loss_per_token(ctx, short_one, prompts); }, "3 rows"},
      {"loss_per_token",
       [&] {
         (void)loss_per_token(ctx, logits, {{1, -2, 3}});
       },
       "no token -2"},
  });
}

TEST(ModelMisuse, OfMatricesIsRefused) {
  DoubleMatrix torn(2, 2);
  torn.rows = 3;
  DoubleMatrix infinite(1, 1);
  infinite.values[0] = std::numeric_limits<double>::infinity();
  const DoubleMatrix two(2, 2);
  const FactoredMatrix apart = {.A = Tensor({2, 3}), .B = Tensor({2, 3})};
  const FactoredMatrix wide = {.A = Tensor({2, 3}), .B = Tensor({3, 4})};
  const Weights& weights = tiny().model.weights();
  Weights mixed = weights;
  mixed.blocks[0].attn.W_V = Tensor();
  Weights narrow = weights;
  narrow.W_U = Tensor({cfg().d_model, 1});
  expect_refused({
      {"DoubleMatrix", [] { DoubleMatrix(-1, 2); }, "negative extent"},
      {"to_double", [] { (void)to_double(Tensor({2})); }, "not a matrix"},
      {"product", [&] { (void)product(torn, two); }, "4 values do not fill"},
      {"product", [&] { (void)product(two, DoubleMatrix(3, 1)); }, "inner extents differ"},
      {"transposed", [&] { (void)transposed(torn); }, "do not fill"},
      {"inner_product", [&] { (void)inner_product(two, DoubleMatrix(2, 1)); }, "not of one shape"},
      {"eigenvalues", [&] { (void)eigenvalues(torn); }, "not square"},
      {"eigenvalues", [&] { (void)eigenvalues(infinite); }, "a NaN or an infinity"},
      {"FactoredMatrix::product", [&] { (void)apart.product(); }, "do not multiply"},
      {"FactoredMatrix::trace", [&] { (void)wide.trace(); }, "square"},
      {"composition_score", [&] { (void)composition_score(apart, wide); }, "do not multiply"},
      {"OV", [&] { (void)OV(weights, 9, 0); }, "no head 9.0"},
      {"QK", [&] { (void)QK(weights, 0, -1); }, "no head 0.-1"},
      {"OV", [] { (void)OV(Weights(), 0, 0); }, "0 layers"},
      {"OV", [&] { (void)OV(mixed, 0, 0); }, "not those of one attention"},
      {"FullOV", [&] { FullOV(tiny().ctx, narrow); }, "not those of one model"},
      {"FullOV", [] { FullOV(tiny().ctx, Weights()); }, "not those of one model"},
      {"fold_layer_norm", [&] { fold_layer_norm(mixed); }, "attn.W_V\" is not in every block",
       ErrorKind::kBadData},
      {"center_unembed", [&] { center_unembed(narrow); }, "unembed.W_U", ErrorKind::kBadData},
      {"fold_value_biases",
       [] {
         Weights empty;
         fold_value_biases(empty);
       },
       "are not there", ErrorKind::kBadData},
      {"process_weights", [] { (void)process_weights({}, {.center_unembed = true}); },
       "are not there", ErrorKind::kBadData},
      {"center_writing_weights",
       [] {
         Weights rms = other().model.weights();
         center_writing_weights(rms);
       },
       "root-mean-square"},
      {"parse_weight_processing", [] { (void)parse_weight_processing("no such", "process"); },
       "there is no \"no such\""},
      {"zero_weights", [] { (void)zero_weights({}); }, "n_layers is 0", ErrorKind::kBadConfig},
  });
}

TEST(ModelMisuse, OfStacksAndAttributionsIsRefused) {
  const RunContext& ctx = tiny().ctx;
  const std::vector<Prompt> prompts = {{1, 2, 3}};
  const ActivationCache cache = tiny().model.run_with_cache(ctx, prompts).second;
  const Weights& weights = tiny().model.weights();
  const Weights& foreign = other().model.weights();
  const ResidualStack stack = accumulated_resid(cache);
  const ResidualStack normed = apply_ln_to_stack(cache, weights, stack);
  ResidualStack misplaced = accumulated_resid(cache, {.pos = 1});
  misplaced.pos = -1;
  Weights narrow = weights;
  narrow.W_U = Tensor({1, cfg().d_vocab});
  const auto attrs = [&](const Weights& of, const ResidualStack& from, LogitAttrsOptions options) {
    return [&cache, &of, &from, options] { (void)logit_attrs(cache, of, from, options); };
  };
  const ActivationCache nothing;
  const ActivationCache empty(cfg());
  expect_refused({
      {"resolve_layer", [] { (void)resolve_layer(cfg(), 4); }, "no input of layer 4"},
      {"resolve_layer", [] { (void)resolve_layer(cfg(), -2); }, "no input of layer -2"},
      {"resolve_layer", [] { (void)resolve_layer(cfg(), 3, true); }, "no MLP input of layer 3"},
      {"accumulated_resid", [&] { (void)accumulated_resid(nothing); }, "was not kept"},
      {"accumulated_resid", [&] { (void)accumulated_resid(empty); }, "was not kept"},
      {"accumulated_resid", [&] { (void)accumulated_resid(cache, {.pos = 3}); }, "no position 3"},
      {"decompose_resid", [&] { (void)decompose_resid(cache, {.pos = -4}); }, "no position -4"},
      {"decompose_resid", [&] { (void)decompose_resid(cache, {.layer = 9}); }, "layer 9"},
      {"stack_head_results", [&] { (void)stack_head_results(ctx, cache, foreign); },
       "not of the model"},
      {"stack_head_results", [&] { (void)stack_head_results(ctx, cache, Weights()); },
       "not of the model"},
      {"stack_neuron_results", [&] { (void)stack_neuron_results(cache, Weights()); },
       "not of the model"},
      {"stack_neuron_results",
       [&] { (void)stack_neuron_results(cache, weights, {.neurons = {-1}}); }, "no neuron -1"},
      {"stack_neuron_results", [&] { (void)stack_neuron_results(cache, weights, {.layers = {3}}); },
       "no layer 3"},
      {"apply_ln_to_stack", [&] { (void)apply_ln_to_stack(cache, weights, normed); }, "already"},
      {"apply_ln_to_stack", [&] { (void)apply_ln_to_stack(cache, Weights(), stack, {.layer = 0}); },
       "no block of the weights 0"},
      {"apply_ln_to_stack", [&] { (void)apply_ln_to_stack(cache, weights, ResidualStack()); },
       "the stack is [0]"},
      {"apply_ln_to_stack", [&] { (void)apply_ln_to_stack(cache, weights, misplaced); }, "needs"},
      {"logit_attrs", attrs(weights, stack, {}), "0 tokens"},
      {"logit_attrs", attrs(weights, stack, {.tokens = {1, 2}}), "2 tokens for 1 prompts"},
      {"logit_attrs", attrs(weights, stack, {.tokens = {1}, .incorrect_tokens = {1, 2}}),
       "2 incorrect tokens"},
      {"logit_attrs", attrs(weights, stack, {.tokens = {-1}}), "no token -1"},
      {"logit_attrs", attrs(weights, misplaced, {.tokens = {1}}), "needs"},
      {"logit_attrs", attrs(narrow, stack, {.tokens = {1}}), "do not read a stack"},
  });
}

TEST(ModelMisuse, OfCheckpointsIsRefused) {
  const RunContext& ctx = tiny().ctx;
  const auto folder = tiny().folder;
  expect_refused({
      {"load_model", [&] { (void)load_model(ctx, ""); }, "name is empty"},
      {"load_model", [&] { (void)load_model(ctx, folder / "no such"); }, "no such",
       ErrorKind::kNoInput},
      {"load_config", [&] { (void)load_config(folder / "no such"); }, "no such",
       ErrorKind::kNoInput},
      {"make_model",
       [&] {
         LoadedCheckpoint loaded = tiny().checkpoint();
         loaded.weights.blocks.pop_back();
         (void)make_model(ctx, std::move(loaded), folder);
       },
       "2 blocks", ErrorKind::kBadData},
  });
}

}  // namespace
}  // namespace patchbay
