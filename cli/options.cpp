#include "cli/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/base/visible_text.h"
#include "patchbay/model/weight_processing.h"

namespace patchbay::cli {
Options common_options() {
  return {{"--json", "", "write JSON"},
          {"--threads", "N", "use N threads (all processors); results are the same"},
          {"-q,--quiet", "", "no messages on standard error except errors"},
          {"--timeout", "TIME", "stop in good order after so many seconds, or 10m, 2h"},
          {"--color", "WHEN", "auto, always, never, 16, 256 or truecolor (auto)"},
          {"--target", "NAME",
           "use this instruction set (the best); doctor lists them, results are the same"}};
}

int threads_of(const Given& given) {
  constexpr int kMostThreads = 256;
  return static_cast<int>(given.integer("--threads", 1, kMostThreads).value_or(0));
}

Options model_option() {
  return {{"-m,--model", "PATH",
           "a name (ioi-small, gpt2, ORG/NAME), a folder in Hugging Face layout, or a .safetensors "
           "or .gguf file"}};
}

std::string model_of(const Given& given) {
  const auto model = given.one("--model");
  if (model) return *model;
  given.fail(
      "no model is given; add --model with a name, a folder, or a .safetensors or .gguf file");
}

Options model_argument() {
  return together({{{"PATH", "", "the model, as for --model"}}, model_option()});
}

std::string model_argument_of(const Given& given) {
  const auto path = given.one("PATH");
  if (path && given.flag("--model")) {
    given.fail("the model is given twice, as PATH and as --model");
  }
  return path ? *path : model_of(given);
}

Options process_option() {
  return {{"--process", "LIST",
           "rewrite the weights first: fold_layer_norm, center_writing_weights, center_unembed, "
           "fold_value_biases, or all"}};
}

WeightProcessing process_of(const Given& given) {
  const auto names = given.one("--process");
  return names ? parse_weight_processing(*names, "--process") : WeightProcessing{};
}

std::optional<bool> bos_of(const Given& given) {
  const bool bos = given.flag("--bos");
  if (bos && given.flag("--no-bos")) given.fail("--bos and --no-bos exclude each other; keep one");
  return bos || given.flag("--no-bos") ? std::optional(bos) : std::nullopt;
}

Options task_options() {
  return {{"--prompts", "N", "how many prompts (the task's own number)"},
          {"--seed", "N", "draw other prompts (the task's own seed)"},
          {"--corruption", "NAME", "how the corrupted prompts differ; patchbay task list has them"},
          {"--prompt-type", "NAME", "which of the task's sentences; patchbay task list has them"},
          {"--collisions", "", "draw names as the original code does, even names in use"},
          {"--bos", "", "begin prompts with the token of the beginning"},
          {"--no-bos", "", "begin prompts with the text"},
          {"--special", "", "of a file: read <|endoftext|> and its like as one token"},
          {"--skip-unfit", "", "of a file: leave out prompts that do not fit, and say how many"},
          {"--answer-token", "WHICH",
           "of a file: only refuses answers of several tokens, first takes their first (only)"}};
}

runs::TaskChoice task_of(const Given& given, const std::string& name) {
  constexpr std::int64_t kMostPrompts = 1'000'000;
  runs::TaskChoice task{
      .name = given.required(name, "no task is given; patchbay task list shows them")};
  task.options.prompts = given.integer("--prompts", 1, kMostPrompts).value_or(0);
  task.options.seed = given.unsigned_integer("--seed");
  task.options.corruption = given.text("--corruption");
  task.options.prompt_type = given.text("--prompt-type");
  task.options.collisions = given.flag("--collisions");
  task.options.special = given.flag("--special");
  task.options.skip_unfit = given.flag("--skip-unfit");
  const std::string token = given.one("--answer-token").value_or("only");
  if (token != "only" && token != "first") {
    given.fail(fmt::format("--answer-token is only or first, not {}", quoted_text(token)));
  }
  task.options.first_answer_token = token == "first";
  task.options.prepend_bos = bos_of(given);
  return task;
}

Options names_option(const std::string& what) {
  return {{"--names", "GLOB", what + "; * stands for anything; repeatable"}};
}

Options overwrite_option() {
  return {{"--overwrite", "", "replace files there that answer another question"}};
}

Options memory_option() {
  return {{"--max-memory", "SIZE",
           "what activations may take beside the model, such as 512M or 2G (1G)"}};
}

std::int64_t memory_of(const Given& given) {
  return given.bytes("--max-memory").value_or(RunOptions::kDefaultMemory);
}

Options top_option(const std::string& what) {
  return {{"--top", "N", "how many of the largest " + what + " to list (10)"}};
}

std::int64_t top_of(const Given& given) {
  constexpr std::int64_t kMost = 1'000'000;
  return given.integer("--top", 0, kMost).value_or(10);
}

std::vector<std::string> formats_of(const Given& given, const std::vector<std::string>& known,
                                    std::vector<std::string> fallback, bool needs_out) {
  const auto text = given.one("--format");
  if (!text) return fallback;
  if (needs_out && !given.flag("--out")) {
    given.fail("--format says which files to write; add --out DIR");
  }
  std::vector<std::string> formats = split_at_commas(*text);
  for (const std::string& format : formats) {
    if (std::ranges::find(known, format) != known.end()) continue;
    given.fail(fmt::format("there is no format \"{}\"{}; there are {}", format,
                           did_you_mean(format, known), fmt::join(known, ", ")));
  }
  return formats;
}

Options shard_option() {
  return {{"--shard", "I/N", "do the I-th of N parts; patchbay merge DIR puts them together"}};
}

std::optional<Shard> shard_of(const Given& given, const std::vector<std::string>& formats) {
  constexpr std::int64_t kMost = 100'000;
  const auto text = given.one("--shard");
  if (!text) return std::nullopt;
  if (!given.flag("--out")) given.fail("--shard writes its part to a folder; add --out DIR");
  if (std::ranges::find(formats, "json") == formats.end()) {
    given.fail("--shard hands finished experiments on as json; add it to --format");
  }
  const std::size_t slash = text->find('/');
  if (slash == std::string::npos) {
    throw Error(ErrorKind::kUsage, "--shard",
                fmt::format("{} is not a shard; write which one of how many, such as 2/5",
                            quoted_text(*text)));
  }
  const std::int64_t count = read_integer("--shard", text->substr(slash + 1), 1, kMost);
  return Shard{read_integer("--shard", text->substr(0, slash), 1, count) - 1, count};
}

}  // namespace patchbay::cli
