#include "patchbay/io/tensor_store.h"

namespace patchbay {

TensorStore tensor_store(const Checkpoint& checkpoint) {
  return {
      .path = checkpoint.path(),
      .config_name = "config.json",
      .names = [&checkpoint] { return checkpoint.names(); },
      .find = [&checkpoint](const std::string& name) -> std::optional<std::vector<std::int64_t>> {
        const TensorInfo* info = checkpoint.find(name);
        if (info == nullptr) return std::nullopt;
        return info->shape;
      },
      .read_into = [&checkpoint](const std::string& name,
                                 TensorView out) { checkpoint.read_into(name, out); }};
}

TensorStore tensor_store(const GgufFile& file) {
  return {
      .convention = TensorStore::Convention::kLlamaCpp,
      .path = file.path(),
      .config_name = "its metadata",
      .names = [&file] { return file.names(); },
      .find = [&file](const std::string& name) -> std::optional<std::vector<std::int64_t>> {
        const GgufTensor* tensor = file.find(name);
        if (tensor == nullptr) return std::nullopt;
        return tensor->shape;
      },
      .read_into = [&file](const std::string& name, TensorView out) { file.read_into(name, out); }};
}

}  // namespace patchbay
