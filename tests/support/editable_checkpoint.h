// A tiny model's checkpoint, with its tensors and its config open to changes.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "patchbay/base/error.h"
#include "patchbay/io/safetensors.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_models.h"

namespace patchbay {

class EditableCheckpoint : public ::testing::Test {
 protected:
  explicit EditableCheckpoint(const char* model) : tiny_(model) {
    const auto file = SafetensorsFile::open(tiny_.folder / "model.safetensors");
    for (const TensorInfo& info : file.tensors()) tensors_[info.name] = file.read(info.name);
    std::ifstream config(tiny_.folder / "config.json");
    config_.assign(std::istreambuf_iterator<char>(config), {});
  }

  void replace(const std::string& from, const std::string& to) {
    const std::size_t at = config_.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    config_.replace(at, from.size(), to);
  }

  HookedTransformer load() {
    std::vector<NamedTensor> list;
    for (const auto& [name, tensor] : tensors_) list.push_back({name, tensor.view()});
    write_safetensors(folder_.path() / "model.safetensors", list);
    std::ofstream(folder_.path() / "config.json") << config_;
    return load_model(tiny_.ctx, folder_.path());
  }

  void expect_same_logits() {
    const Logits expected = tiny_.model.run(tiny_.ctx, tiny_.clean());
    const Logits logits = load().run(tiny_.ctx, tiny_.clean());
    EXPECT_TRUE(std::ranges::equal(logits.values.flat(), expected.values.flat()));
  }

  // Each of (text in config.json, what it becomes, what the error then says), one at a time.
  using Mistakes = std::vector<std::tuple<std::string, std::string, std::string>>;
  void expect_refused(const Mistakes& mistakes) {
    const std::string good = config_;
    for (const auto& [from, to, what] : mistakes) {
      config_ = good;
      replace(from, to);
      EXPECT_NE(error().find(what), std::string::npos) << to << "\n" << error();
    }
  }

  // What loading it says, with DIR for its folder.
  std::string error() {
    try {
      load();
    } catch (const Error& error) {
      kind_ = error.kind();
      std::string text = error.what();
      for (std::size_t at; (at = text.find(folder_.path().string())) != std::string::npos;) {
        text.replace(at, folder_.path().string().size(), "DIR");
      }
      return text;
    }
    return "no error";
  }

  TinyModel tiny_;
  testing::TemporaryDirectory folder_;
  std::map<std::string, Tensor> tensors_;
  std::string config_;
  ErrorKind kind_ = ErrorKind::kInternal;
};

}  // namespace patchbay
