// The index that joins the files of a checkpoint. It must never lead out of its folder.
#include "patchbay/io/checkpoint.h"
#include "tests/fuzz/fuzz_target.h"

using namespace patchbay;
using namespace patchbay::fuzz;

void fuzz_checkpoint_index(std::string_view data);

void fuzz_checkpoint_index(std::string_view data) {
  static const bool kHasParts = [] {
    for (const char* name : {"a", "b"}) {
      const Tensor tensor({2, 3});
      const std::vector<NamedTensor> one = {{name, tensor}};
      write_safetensors(folder() / (std::string(name) + ".safetensors"), one);
    }
    return true;
  }();
  static_cast<void>(kHasParts);
  const std::filesystem::path index = file_in_folder("model.safetensors.index.json", data);
  accepts([&] {
    const Checkpoint checkpoint = open_checkpoint(index);
    for (const SafetensorsFile& file : checkpoint.files()) {
      require(std::filesystem::path(file.path()).parent_path() == folder(),
              "an index stays in its folder");
    }
    for (const std::string& name : checkpoint.names()) (void)checkpoint.read(name);
  });
}
