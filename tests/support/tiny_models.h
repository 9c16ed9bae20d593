// The tiny models with made-up weights that tests run, and their float64 references.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "patchbay/families/family.h"
#include "patchbay/io/safetensors.h"
#include "patchbay/model/hooked_transformer.h"
#include "tests/support/made_up_architectures.h"

namespace patchbay {

inline std::filesystem::path golden_folder(const char* name) {
  return std::filesystem::path(PATCHBAY_GOLDEN_DIR) / name;
}

/// A model of every family: tests of what is made for any model run on each.
inline constexpr const char* kTinyModels[] = {"tiny-gpt2", "tiny-llama"};

/// A model of every architecture that the forward pass knows, with a family or without: tests of
/// its promises run on each.
inline constexpr const char* kTinyArchitectures[] = {
    "tiny-gpt2",  "tiny-llama",           "tiny-neox", "tiny-gptj", "tiny-gemma2",
    "tiny-qwen3", "tiny-native-attn-only"};

inline HookedTransformer load_tiny(const RunContext& ctx, const std::filesystem::path& folder) {
  const bool has_family =
      std::ranges::any_of(kTinyModels, [&](const char* name) { return folder.filename() == name; });
  return has_family ? load_model(ctx, folder) : load_made_up(ctx, folder);
}

struct TinyModel {
  explicit TinyModel(const char* name) : folder(golden_folder(name)) {}

  std::filesystem::path folder;
  RunContext ctx{RunOptions{.threads = 2}};
  HookedTransformer model = load_tiny(ctx, folder);
  SafetensorsFile reference = SafetensorsFile::open(folder / "reference.safetensors");

  [[nodiscard]] LoadedCheckpoint checkpoint() const { return load_checkpoint(ctx, folder); }
  /// Five prompts of twelve tokens; of models without a family two of nine.
  [[nodiscard]] std::vector<Prompt> clean() const { return prompts("tokens.clean"); }
  [[nodiscard]] std::vector<Prompt> corrupted() const { return prompts("tokens.corrupted"); }
  /// The clean prompts cut to 5, 12 (all), 1, 8 and 3 tokens.
  [[nodiscard]] std::vector<Prompt> ragged() const {
    std::vector<Prompt> all = clean();
    const std::vector<std::size_t> lengths = {5, 12, 1, 8, 3};
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i].resize(std::min(all[i].size(), lengths[i]));
    }
    return all;
  }

 private:
  [[nodiscard]] std::vector<Prompt> prompts(const char* name) const {
    const std::vector<std::int64_t> flat = reference.read_integers(name);
    const std::vector<std::int64_t>& shape = reference.find(name)->shape;  // [prompt, pos]
    std::vector<Prompt> result(static_cast<std::size_t>(shape[0]));
    for (std::size_t i = 0; i < flat.size(); ++i) {
      result[i / static_cast<std::size_t>(shape[1])].push_back(static_cast<TokenId>(flat[i]));
    }
    return result;
  }
};

struct TinyGpt2 : TinyModel {
  TinyGpt2() : TinyModel("tiny-gpt2") {}
};

/// "tiny_gpt2": the end of a parametrised test's name.
inline std::string model_test_name(const ::testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
}

}  // namespace patchbay
