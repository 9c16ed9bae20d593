// Models for tests of prompts: ioi-small as it is shipped, and tokenizers with a config around
// them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "patchbay/families/family.h"
#include "patchbay/tasks/task.h"
#include "tests/text/gpt2_files.h"

namespace patchbay::testing {

/// What tasks need of a model: its config and its tokenizer.
struct TaskModelOwner {
  HookedTransformerConfig cfg;
  Tokenizer tokenizer;

  [[nodiscard]] tasks::TaskModel get() const { return {.cfg = cfg, .tokenizer = &tokenizer}; }
};

inline const TaskModelOwner& ioi_small() {
  static const auto folder = std::filesystem::path(PATCHBAY_MODELS_DIR) / "ioi-small";
  static const TaskModelOwner owner = {load_config(folder), Tokenizer::from_folder(folder)};
  return owner;
}

/// A tokenizer in a model of GPT-2's context.
inline TaskModelOwner around(Tokenizer tokenizer) {
  HookedTransformerConfig cfg;
  cfg.model_name = "gpt2";
  cfg.n_ctx = 1024;
  cfg.d_vocab = static_cast<std::int64_t>(tokenizer.d_vocab());
  return {cfg, std::move(tokenizer)};
}

inline const TaskModelOwner& gpt2_tasks() {
  static const TaskModelOwner owner = around(gpt2());
  return owner;
}

/// GPT-2's vocabulary, digits one by one.
inline const TaskModelOwner& gpt2_by_digits() {
  static const TaskModelOwner owner = [] {
    const TempFolder folder;
    folder.write("tokenizer.json", gpt2_tokenizer_json(kDigitsThenByteLevel, false));
    return around(Tokenizer::from_folder(folder.path()));
  }();
  return owner;
}

/// The bytes of the tokens at a named position of the clean prompt; "none" where there are none.
inline std::string at(const tasks::TaskModel& model, const PromptSet& set, const PromptPair& pair,
                      std::string_view name, bool corrupted = false) {
  const std::size_t i = set.index_of_position(name);
  const TokenSpan span = (corrupted ? pair.corrupted_positions : pair.positions)[i];
  if (!span.is_there()) return "none";
  const Prompt& prompt = corrupted ? pair.corrupted : pair.clean;
  std::string bytes;
  for (std::int32_t token = span.first; token <= span.last; ++token) {
    bytes += model.tokenizer->token_bytes(prompt[static_cast<std::size_t>(token)]);
  }
  return bytes;
}

}  // namespace patchbay::testing
