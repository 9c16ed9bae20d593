// patchbay cache: activations of one run, written to a file that numpy.load reads.
#include <fmt/format.h>

#include "cli/interruption.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "patchbay/base/version.h"
#include "patchbay/hooks/activation_file.h"
#include "patchbay/hub/load_model.h"
#include "patchbay/model/weight_processing.h"

namespace patchbay::cli::verbs {

const Verb& cache();

namespace {

std::string manifest(const HookedTransformer& model, const TokenizedPrompt& prompt,
                     const std::string& out, const std::vector<ActivationFile::Array>& arrays) {
  JsonWriter json;
  json.begin_object().member("patchbay", std::string_view(kVersion));
  json.member("model", model.cfg().model_name);
  json.row("weight_processing", names_of(model.weights().processing));
  write_prompt(json, prompt, model.has_tokenizer() ? &model.tokenizer() : nullptr);
  json.member("out", out).key("arrays").begin_array();
  for (const ActivationFile::Array& array : arrays) {
    json.begin_object(JsonLayout::kInline).member("name", array.name).member("axes", array.axes);
    json.row("shape", array.shape).end_object();
  }
  return json.end_array().end_object().take();
}

int run_given(const Given& given) {
  const std::string name = model_of(given);
  const PromptWords words = prompt_of(given);
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
  const TokenizedPrompt prompt =
      tokenize(words, model.has_tokenizer() ? &model.tokenizer() : nullptr, name);
  ActivationFile file(out);
  const bool with_logits = given.flag("--logits");
  const Demand demand{.logits = with_logits ? Demand::At::kEverywhere : Demand::At::kNowhere};
  const auto [logits, activations] = model.run_with_cache(ctx, {prompt.tokens}, keep, {}, demand);
  file.add_tokens(prompt.tokens);
  file.add(activations);
  if (with_logits) file.add_logits(logits.values);
  check_interrupted();
  file.close();
  message(fmt::format("wrote {} arrays of {} to {}", file.arrays().size(), prompt.summary(), out));
  if (given.flag("--json")) write_output(manifest(model, prompt, out, file.arrays()));
  return 0;
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
          "'*hook_resid_post' --names ln_final.hook_normalized --logits --json --out stream.npz",
      .options = together({prompt_options(),
                           names_option("which activations"),
                           {{"-o,--out", "FILE", "the .npz file to write"},
                            {"--logits", "", "write the logits of every position too"}},
                           process_option(),
                           model_option()}),
      .run = run_given};
  return verb;
}

}  // namespace patchbay::cli::verbs
