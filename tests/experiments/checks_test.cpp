// What experiments refuse they refuse by `check`, before anything runs.
#include <gtest/gtest.h>

#include "tests/support/experiment_runs.h"
#include "tests/support/prompt_pairs.h"

namespace patchbay {
namespace {

TEST(ExperimentChecks, RefuseWhatRunningWouldRefuse) {
  const TinyGpt2 tiny;
  const PromptSet prompts = reference_pairs(tiny);
  const PromptSet ragged = ragged_pairs(tiny);
  const struct {
    const char* experiment;
    const PromptSet& prompts;
    GivenSettings given;
    const char* says;
  } cases[] = {
      {"accuracy", prompts, {{"metrics", "rank,rank"}}, "rank is given twice"},
      {"accuracy", prompts, {{"metrics", "kl_divergence"}}, "is not a number of the last position"},
      {"logit_lens", prompts, {{"scale", "frehs"}}, "did you mean \"fresh\"?"},
      {"logit_lens", prompts, {{"metric", "next_token_loss"}}, "reads every position"},
      {"direct_logit_attribution", prompts, {{"side", "left"}}, "[side]"},
      {"direct_logit_attribution", prompts, {{"neurons", "3"}}, "means nothing with `components`"},
      {"attention_patterns", prompts, {{"heads", "9"}}, "[heads]"},
      {"attention_patterns", ragged, {{"src-positions", "all"}}, "have different lengths"},
      {"activation_patching", prompts, {{"aggregate", "ratio"}}, "ratio"},
      {"causal_tracing", prompts, {{"subject", "S9"}}, "S9"},
      {"path_patching", prompts, {{"effect", "percent"}}, "percent"},
      {"path_patching", prompts, {{"receiver", "q:1.1>logits>k:2.1"}}, "logits"},
      {"faithfulness", prompts, {}, "say which circuit"},
      {"completeness", prompts, {{"circuit", "1.1"}, {"rounds", "-1"}}, "[rounds]"},
      {"minimality", prompts, {{"circuit", "1.1"}, {"k", "none"}}, "found, rest, published"},
      {"find_circuit", prompts, {{"samples", "3"}}, "[samples]"},
      {"copy_scores", prompts, {{"names", "IO"}}, "IO"},
      {"attention_projection", prompts, {}, "IO"},
      {"head_scores", prompts, {{"length", "1"}}, "[length]"},
  };
  for (const auto& one : cases) {
    Session session(tiny.ctx, tiny.model, one.prompts);
    std::string message = "no error";
    try {
      experiments::find(one.experiment).with(one.given).check(session);
    } catch (const Error& error) {
      message = error.what();
    }
    EXPECT_NE(message.find(one.says), std::string::npos) << one.experiment << ": " << message;
  }
}

// What has no default: a position of the task, a circuit.
GivenSettings needed(const experiments::Experiment& experiment) {
  if (experiment.name == "causal_tracing") return {{"subject", "MIDDLE"}};
  for (const experiments::Field& field : experiment.fields) {
    if (field.name == "circuit") return {{"circuit", "1.1 @ END"}};
  }
  return {};
}

TEST(ExperimentChecks, AcceptDefaults) {
  const TinyGpt2 tiny;
  PromptSet prompts = reference_pairs(tiny);
  prompts.position_names = {"IO", "S1", "S2", "MIDDLE", "END"};
  for (PromptPair& pair : prompts.pairs) {
    pair.positions = {1, 2, 3, 5, 11};
    pair.corrupted_positions = pair.positions;
  }
  for (const experiments::Experiment* experiment : experiments::all()) {
    Session session(tiny.ctx, tiny.model, prompts);
    EXPECT_NO_THROW(experiment->with(needed(*experiment)).check(session)) << experiment->name;
  }
}

}  // namespace
}  // namespace patchbay
