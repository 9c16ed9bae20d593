// Names that people type: hook points, circuits, nodes of paths, lists of numbers.
#include <algorithm>
#include <optional>

#include "patchbay/circuits/circuit.h"
#include "patchbay/experiments/experiment.h"
#include "patchbay/families/family.h"
#include "patchbay/hooks/hook_name.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/prompts/prompt_file.h"
#include "patchbay/results/token_list.h"
#include "tests/fuzz/fuzz_target.h"

using namespace patchbay;
using namespace patchbay::fuzz;

void fuzz_names(std::string_view data);

namespace {

struct Model {
  RunContext ctx{RunOptions{.threads = 1}};
  HookedTransformer model =
      load_model(ctx, std::filesystem::path(PATCHBAY_GOLDEN_DIR) / "tiny-gpt2");
  PromptSet prompts = read_prompt_file(
      file_in_folder(
          "pairs.jsonl",
          R"({"clean": [1, 2, 3, 4], "corrupted": [1, 5, 3, 4], "answer": 7, "wrong": 8})"),
      model.cfg(), nullptr, {});
};

const Model& tiny() {
  static const Model kModel;
  return kModel;
}

void check_hook_name(std::string_view text) {
  const HookedTransformerConfig& cfg = tiny().model.cfg();
  static const std::vector<HookName> kNames = hook_names(cfg);
  const bool listed =
      std::ranges::any_of(kNames, [&](const HookName& name) { return name.str() == text; });
  std::optional<HookName> parsed;
  accepts([&] { parsed = HookName::parse(text, cfg); });
  require(parsed.has_value() == listed, "a name is accepted exactly when it is in the list");
  if (parsed) require(parsed->str() == text, "a name is written as it was read");
  accepts([&] { (void)HookName::of(text, cfg, 0); });
}

void check_circuit(std::string_view text) {
  accepts([&] {
    const std::string written = text_of(parse_circuit(text));
    require(text_of(parse_circuit(written)) == written, "a circuit is written as it was read");
  });
}

// The text as the value of every option of some experiments; nothing runs.
void check_settings(const std::string& text) {
  for (const char* name : {"path_patching", "activation_patching", "attention_patterns"}) {
    const experiments::Experiment& experiment = experiments::find(name);
    for (const experiments::Field& field : experiment.fields) {
      accepts([&] {
        Session session(tiny().ctx, tiny().model, tiny().prompts);
        experiment.with({{field.name, text}}).check(session);
      });
    }
  }
}

}  // namespace

void fuzz_names(std::string_view data) {
  constexpr std::size_t kLongest = 200;
  const std::string_view text = data.substr(0, std::min(data.find('\0'), kLongest));
  if (!is_utf8(text)) return;  // the command line refuses it before
  check_hook_name(text);
  check_circuit(text);
  check_settings(std::string(text));
  const std::vector<std::string> tokens = split_tokens(text);
  require(split_tokens(join_tokens(tokens)) == tokens, "tokens are split as they were joined");
}
