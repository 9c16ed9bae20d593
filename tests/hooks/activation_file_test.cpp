// Activations of a run as numpy reads them.
#include "patchbay/hooks/activation_file.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

TEST(ActivationFile, HoldsTokensActivationsInForwardOrderAndLogits) {
  const TinyGpt2 tiny;
  const testing::TemporaryDirectory folder;
  const auto path = folder.path() / "run.npz";
  const Prompt prompt = tiny.clean().front();
  const NamesFilter keep(std::vector<std::string>{"ln_final.hook_scale", "blocks.*.attn.hook_z"});
  const auto [logits, cache] = tiny.model.run_with_cache(tiny.ctx, {prompt}, keep);
  ActivationFile file(path);
  file.add_tokens(std::vector<Prompt>{prompt});
  file.add(cache);
  file.add_logits(logits.values);
  EXPECT_FALSE(std::filesystem::exists(path));
  file.close();

  const NpzFile read = NpzFile::open(path);
  std::vector<std::string> names;
  for (const ActivationFile::Array& array : file.arrays()) {
    names.push_back(array.name);
    EXPECT_EQ(read.read(array.name).shape, array.shape) << array.name;
    EXPECT_TRUE(array.axes.starts_with("[batch")) << array.axes;
  }
  EXPECT_EQ(read.names(), names);
  EXPECT_EQ(names,
            (std::vector<std::string>{"tokens", "blocks.0.attn.hook_z", "blocks.1.attn.hook_z",
                                      "blocks.2.attn.hook_z", "ln_final.hook_scale", "logits"}));
  EXPECT_TRUE(std::ranges::equal(read.read("tokens").integers, prompt));
  EXPECT_TRUE(
      std::ranges::equal(read.read("blocks.1.attn.hook_z").floats.flat(), cache("z", 1).flat()));
  EXPECT_TRUE(std::ranges::equal(read.read("logits").floats.flat(), logits.values.flat()));
}

}  // namespace
}  // namespace patchbay
