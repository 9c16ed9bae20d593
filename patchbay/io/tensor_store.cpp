#include "patchbay/io/tensor_store.h"

#include <algorithm>
#include <string_view>

namespace patchbay {
namespace {

// torch.compile puts this before the name of every tensor of a model that it has wrapped.
constexpr std::string_view kCompiled = "_orig_mod.";

std::string prefix_of(const std::vector<std::string>& names) {
  const bool is_compiled = std::ranges::all_of(
      names, [](const std::string& name) { return name.starts_with(kCompiled); });
  return is_compiled && !names.empty() ? std::string(kCompiled) : "";
}

}  // namespace

TensorStore tensor_store(const Checkpoint& checkpoint) {
  const std::string prefix = prefix_of(checkpoint.names());
  return {.path = checkpoint.path(),
          .config_name = "config.json",
          .names =
              [&checkpoint, prefix] {
                std::vector<std::string> names = checkpoint.names();
                for (std::string& name : names) name.erase(0, prefix.size());
                return names;
              },
          .find = [&checkpoint,
                   prefix](const std::string& name) -> std::optional<std::vector<std::int64_t>> {
            const TensorInfo* info = checkpoint.find(prefix + name);
            if (info == nullptr) return std::nullopt;
            return info->shape;
          },
          .read_into = [&checkpoint, prefix](
                           const std::string& name,
                           TensorView out) { checkpoint.read_into(prefix + name, out); }};
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
