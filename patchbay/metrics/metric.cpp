#include "patchbay/metrics/metric.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/base/utf8.h"

namespace patchbay::metrics {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorKind::kUsage, "metric",
              fmt::format("{}; give the metric what Metric::reads says", what));
}

// Throws unless every token has a logit.
void check_tokens(const MetricInput& input, std::span<const TokenId> tokens) {
  for (const TokenId token : tokens) static_cast<void>(input.logit(token));
}

void check_every_position(const MetricInput& input) {
  const Shape& shape = input.every.shape();  // [pos, d_vocab]
  if (input.tokens.size() < 2) fail("a prompt of one token predicts nothing that is known");
  if (shape.rank() != 2 || shape[0] != std::ssize(input.tokens)) {
    fail(fmt::format("the logits of every position are {} for {} tokens", shape.str(),
                     input.tokens.size()));
  }
  for (const TokenId token : input.tokens) {
    if (token < 0 || token >= shape[1]) fail(fmt::format("there is no logit of token {}", token));
  }
}

}  // namespace

double Metric::value(const MetricInput& input) const {
  if (!compute) fail(fmt::format("{} has no function that computes it", name));
  if (reads == Reads::kEveryPosition) {
    check_every_position(input);
  } else {
    if (input.pair.answers.empty()) fail(fmt::format("{} needs a right answer", name));
    if (needs_wrong && input.pair.wrongs.empty())
      fail(fmt::format("{} needs a wrong answer", name));
    if (reads == Reads::kLastPosition && !input.chosen.empty()) {
      fail(fmt::format("{} reads the logits of all tokens, not of chosen ones", name));
    }
    if (!input.chosen.empty() && input.chosen.size() != input.logits.size()) {
      fail(fmt::format("{} logits are of {} chosen tokens", input.logits.size(),
                       input.chosen.size()));
    }
    check_tokens(input, input.pair.answers);
    if (needs_wrong) check_tokens(input, input.pair.wrongs);
  }
  if (needs_clean && input.clean.size() != input.logits.size()) {
    fail(fmt::format("{} compares {} logits with {} of the clean run", name, input.logits.size(),
                     input.clean.size()));
  }
  return compute.function_(input);
}

double MetricInput::logit(TokenId token) const {
  const auto index =
      chosen.empty() ? static_cast<std::size_t>(token)
                     : static_cast<std::size_t>(std::ranges::find(chosen, token) - chosen.begin());
  if (index >= logits.size()) fail(fmt::format("there is no logit of token {}", token));
  return logits[index];
}

double MetricInput::mean_logit(std::span<const TokenId> of) const {
  if (of.empty()) fail("the mean logit of no tokens was asked for");
  double sum = 0.0;
  for (const TokenId token : of) sum += logit(token);
  return sum / static_cast<double>(of.size());
}

const Metric& find(std::string_view name) {
  std::vector<std::string> names;
  for (const Metric* metric : all()) {
    if (metric->name == name) return *metric;
    names.emplace_back(metric->name);
  }
  throw Error(ErrorKind::kUsage, "metric",
              fmt::format("there is no metric {}{}; there are {}", in_quotes(name),
                          did_you_mean(name, names), fmt::join(names, ", ")));
}

void check_pairs(const Metric& metric, const PromptSet& prompts) {
  prompts.check();
  for (std::int64_t i = 0; metric.reads == Reads::kEveryPosition && i < prompts.size(); ++i) {
    if (prompts.pairs[static_cast<std::size_t>(i)].clean.size() > 1) continue;
    throw Error(
        ErrorKind::kBadData, prompts.task,
        fmt::format("{} has one token, so {} has no next token to look at; leave the prompt "
                    "out, or take another metric",
                    prompts.name_of(i), metric.name));
  }
  if (!metric.needs_wrong) return;
  for (std::size_t i = 0; i < prompts.pairs.size(); ++i) {
    if (!prompts.pairs[i].wrongs.empty()) continue;
    throw Error(ErrorKind::kBadData, prompts.task,
                fmt::format("{} has no wrong answer, which {} compares with; give one, or "
                            "take a metric of the right answer alone",
                            prompts.name_of(static_cast<std::int64_t>(i)), metric.name));
  }
}

}  // namespace patchbay::metrics
