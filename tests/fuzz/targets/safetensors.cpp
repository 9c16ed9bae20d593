// A safetensors file: the strict reader beside one that believes its JSON, and written files read
// back.
#include "patchbay/io/safetensors.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "tests/fuzz/fuzz_target.h"

using namespace patchbay;
using namespace patchbay::fuzz;

void fuzz_safetensors(std::string_view data);

namespace {

// What a trusting reader would take from the file.
void compare_with_simple_reader(const SafetensorsFile& file, std::string_view data) {
  std::uint64_t length = 0;
  std::memcpy(&length, data.data(), sizeof(length));
  const auto header = nlohmann::json::parse(data.substr(8, length));
  std::size_t tensors = 0;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      require(entry.size() == file.metadata().size(), "both readers see the same metadata");
      continue;
    }
    ++tensors;
    const TensorInfo* info = file.find(name);
    require(info != nullptr, "both readers see the same names");
    require(info->shape == entry.at("shape").get<std::vector<std::int64_t>>(),
            "both readers see the same shapes");
    require(entry.at("data_offsets") == nlohmann::json({info->begin, info->end}),
            "both readers see the same places");
    require(dtype_name(info->dtype) == entry.at("dtype").get<std::string>(),
            "both readers see the same types");
  }
  require(tensors == file.tensors().size(), "both readers see as many tensors");
}

}  // namespace

void fuzz_safetensors(std::string_view data) {
  accepts([&] {
    const SafetensorsFile file = SafetensorsFile::open(memory_file(data));
    compare_with_simple_reader(file, data);
    std::vector<Tensor> read;
    std::vector<NamedTensor> named;
    read.reserve(file.tensors().size());
    for (const TensorInfo& info : file.tensors()) {
      accepts([&] {
        read.push_back(file.read(info.name));
        named.push_back({info.name, read.back()});
      });
      accepts([&] { (void)file.read_integers(info.name); });
    }
    // What was read can be written, and written again from there as the same bytes.
    const std::filesystem::path first = folder() / "first.safetensors";
    accepts([&] {
      write_safetensors(first, named, file.metadata());
      const SafetensorsFile again = SafetensorsFile::open(first);
      std::vector<Tensor> tensors;
      std::vector<NamedTensor> same;
      tensors.reserve(again.tensors().size());
      for (const NamedTensor& one : named) {
        tensors.push_back(again.read(one.name));
        same.push_back({one.name, tensors.back()});
      }
      write_safetensors(folder() / "second.safetensors", same, again.metadata());
      require(bytes_of(first) == bytes_of(folder() / "second.safetensors"),
              "a safetensors file that is read and written is the same");
    });
  });
}
