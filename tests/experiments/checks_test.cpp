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
      {"accuracy", prompts, {{"metrics", "rank,rank"}}, "rank is there twice"},
      {"accuracy", prompts, {{"metrics", "kl_divergence"}}, "is not a number of the last position"},
      {"logit_lens", prompts, {{"scale", "frehs"}}, "did you mean \"fresh\"?"},
      {"logit_lens", prompts, {{"metric", "next_token_loss"}}, "reads every position"},
      {"direct_logit_attribution", prompts, {{"side", "left"}}, "[--side]"},
      {"direct_logit_attribution", prompts, {{"neurons", "3"}}, "means nothing with --components"},
      {"attention_patterns", prompts, {{"heads", "9"}}, "[--heads]"},
      {"attention_patterns", ragged, {{"sources", "all"}}, "have different lengths"},
      {"activation_patching", prompts, {{"aggregate", "ratio"}}, "ratio"},
      {"causal_tracing", prompts, {{"subject", "S9"}}, "S9"},
      {"path_patching", prompts, {{"effect", "percent"}}, "percent"},
      {"path_patching", prompts, {{"receiver", "q:1.1>logits>k:2.1"}}, "logits"},
  };
  for (const auto& one : cases) {
    const experiments::Experiment& experiment = experiments::find(one.experiment);
    const experiments::Settings settings(experiment.name, experiment.options, one.given);
    std::string message = "no error";
    try {
      experiment.check({tiny.ctx, tiny.model, one.prompts, settings});
    } catch (const Error& error) {
      message = error.what();
    }
    EXPECT_NE(message.find(one.says), std::string::npos) << one.experiment << ": " << message;
  }
}

TEST(ExperimentChecks, AcceptDefaults) {
  const TinyGpt2 tiny;
  const PromptSet prompts = reference_pairs(tiny);
  for (const experiments::Experiment* experiment : experiments::all()) {
    const experiments::Settings settings(experiment->name, experiment->options,
                                         experiment->name == "causal_tracing"
                                             ? GivenSettings{{"subject", "MIDDLE"}}
                                             : GivenSettings{});
    EXPECT_NO_THROW(experiment->check({tiny.ctx, tiny.model, prompts, settings}))
        << experiment->name;
  }
}

}  // namespace
}  // namespace patchbay
