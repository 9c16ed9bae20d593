// patchbay cache: activations of a prompt, or of a task's prompts, written to a file that
// numpy.load reads.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "cli/interruption.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/running.h"
#include "patchbay/base/version.h"
#include "patchbay/base/visible_text.h"
#include "patchbay/config/shared_heads.h"
#include "patchbay/hub/load_model.h"
#include "patchbay/model/weight_processing.h"
#include "patchbay/runs/cache_prompts.h"

namespace patchbay::cli::verbs {

const Verb& cache();

namespace {

// The prompts of a task, or the one that was given.
struct Cached {
  std::optional<PromptWords> words;
  std::optional<runs::TaskChoice> task;
  bool corrupted = false;  // side of the task's pairs
};

Cached cached_of(const Given& given) {
  if (!given.flag("--task")) {
    if (given.flag("--side")) given.fail("--side is of a task's prompts; add --task");
    return {.words = prompt_of(given), .task = {}};
  }
  if (given.flag("TEXT") || given.flag("--tokens")) {
    given.fail("the prompts are given twice, with --task and as a text or --tokens");
  }
  const std::string side = given.one("--side").value_or("clean");
  if (side != "clean" && side != "corrupted") {
    given.fail(fmt::format("--side is clean or corrupted, not {}", quoted_text(side)));
  }
  return {.words = {}, .task = task_of(given, "--task"), .corrupted = side == "corrupted"};
}

JsonWriter manifest_of(const HookedTransformer& model) {
  JsonWriter json;
  json.begin_object().member("patchbay", std::string_view(kVersion));
  json.member("model", model.cfg().model_name);
  json.row("weight_processing", names_of(model.weights().processing));
  return json;
}

int run_given(const Given& given) {
  const std::string name = model_of(given);
  const Cached cached = cached_of(given);
  const WeightProcessing process = process_of(given);
  const std::vector<std::string> names = given.list("--names");
  const std::string out = given.text("--out");
  if (names.empty()) {
    given.fail("no activations are named; add --names, such as 'blocks.*.attn.hook_pattern'");
  }
  if (out.empty()) given.fail("no file to write is given; add --out FILE.npz");

  const InterruptibleContext ctx(threads_of(given));
  const hub::FoundModel found = hub::find_model(name);
  const NamesFilter keep(names);
  static_cast<void>(keep.resolve(hub::load_config(found)));  // names first
  const HookedTransformer model = hub::load_model(ctx, found, process);
  const Tokenizer* tokenizer = model.has_tokenizer() ? &model.tokenizer() : nullptr;
  std::vector<Prompt> prompts;
  JsonWriter json = manifest_of(model);
  std::string summary;
  if (cached.task) {
    const PromptSet set = make_prompts(model, cached.task->name, cached.task->options);
    if (cached.corrupted) set.require_corrupted("`side` corrupted");
    prompts = cached.corrupted ? set.corrupted() : set.clean();
    tell_prompts(set, tasks::completed({.cfg = model.cfg(), .tokenizer = tokenizer},
                                       cached.task->name, cached.task->options));
    json.member("task", set.task).member("side", cached.corrupted ? "corrupted" : "clean");
    json.member("prepend_bos", set.prepend_bos).member("prompts", set.size());
    summary = fmt::format("{} prompt{}", set.size(), set.size() == 1 ? "" : "s");
  } else {
    const TokenizedPrompt prompt = tokenize(*cached.words, tokenizer, model.cfg());
    prompts = {prompt.tokens};
    write_prompt(json, prompt, tokenizer);
    summary = prompt.summary();
  }
  const std::vector<ActivationFile::Array> arrays = runs::cache_prompts(
      ctx, model, prompts,
      {.names = keep, .logits = given.flag("--logits"), .numbered = cached.task.has_value()}, out);
  message(fmt::format("wrote {} arrays of {} to {}", arrays.size(), summary, out));
  if (std::ranges::any_of(arrays, [](const ActivationFile::Array& array) {
        return array.axes.find("key_value_head") != std::string::npos;
      })) {
    message(shared_heads_text(model.cfg()));
  }
  if (!given.flag("--json")) return 0;
  json.member("out", out).key("arrays").begin_array();
  for (const ActivationFile::Array& array : arrays) {
    json.begin_object(JsonLayout::kInline).member("name", array.name).member("axes", array.axes);
    json.row("shape", array.shape).end_object();
  }
  write_output(json.end_array().end_object().take());
  return 0;
}

// Those of tasks that are no options of one prompt too.
Options options_of_tasks(const Options& known) {
  Options options = {{"--task", "NAME", "the prompts of a task such as ioi, or of file:PATH"},
                     {"--side", "SIDE", "of a task's pairs: clean or corrupted (clean)"}};
  for (const OptionSpec& option : task_options()) {
    if (std::ranges::find(known, option.name(), &OptionSpec::name) == known.end()) {
      options.push_back(option);
    }
  }
  return options;
}

}  // namespace

const Verb& cache() {
  static const Verb verb = {
      .place = 50,
      .path = "cache",
      .what = "write activations of a run to a file that numpy reads",
      .examples =
          "patchbay cache --model tests/golden/tiny-gpt2 \"When Mary and John went\" --names "
          "'blocks.*.attn.hook_pattern' --out patterns.npz\n"
          "patchbay cache --model tests/golden/tiny-gpt2 --tokens 299,262,290 --names "
          "'*hook_resid_post' --names ln_final.hook_normalized --logits --json --out stream.npz\n"
          "patchbay cache --model ioi-small --task ioi --prompts 10 --names '*hook_z' --out z.npz",
      .options = together({prompt_options(),
                           options_of_tasks(prompt_options()),
                           names_option("which activations"),
                           {{"-o,--out", "FILE", "the .npz file to write"},
                            {"--logits", "", "write the logits of every position too"}},
                           process_option(),
                           model_option()}),
      .run = run_given};
  return verb;
}

}  // namespace patchbay::cli::verbs
