// The tiny GPT-2 with made-up weights that tests run, and its float64 reference.
#pragma once

#include <filesystem>
#include <vector>

#include "patchbay/families/family.h"
#include "patchbay/io/safetensors.h"
#include "patchbay/model/hooked_transformer.h"

namespace patchbay {

inline std::filesystem::path golden_folder(const char* name) {
  return std::filesystem::path(PATCHBAY_GOLDEN_DIR) / name;
}

struct TinyGpt2 {
  RunContext ctx{RunOptions{.threads = 2}};
  HookedTransformer model = load_model(ctx, golden_folder("tiny-gpt2"));
  SafetensorsFile reference =
      SafetensorsFile::open(golden_folder("tiny-gpt2") / "reference.safetensors");

  [[nodiscard]] LoadedCheckpoint checkpoint() const {
    return load_checkpoint(ctx, golden_folder("tiny-gpt2"));
  }
  /// Five prompts of twelve tokens.
  [[nodiscard]] std::vector<Prompt> clean() const { return prompts("tokens.clean"); }
  [[nodiscard]] std::vector<Prompt> corrupted() const { return prompts("tokens.corrupted"); }
  /// The five clean prompts cut to 5, 12, 1, 8 and 3 tokens.
  [[nodiscard]] std::vector<Prompt> ragged() const {
    std::vector<Prompt> all = clean();
    const std::vector<std::size_t> lengths = {5, 12, 1, 8, 3};
    for (std::size_t i = 0; i < all.size(); ++i) all[i].resize(lengths[i]);
    return all;
  }

 private:
  [[nodiscard]] std::vector<Prompt> prompts(const char* name) const {
    const std::vector<std::int64_t> flat = reference.read_integers(name);
    std::vector<Prompt> result(5);
    for (std::size_t i = 0; i < flat.size(); ++i) {
      result[i / 12].push_back(static_cast<TokenId>(flat[i]));
    }
    return result;
  }
};

}  // namespace patchbay
