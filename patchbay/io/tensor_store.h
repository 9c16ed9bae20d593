// Named tensors in whatever file format, as the readers of model families see them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "patchbay/io/checkpoint.h"
#include "patchbay/io/gguf.h"
#include "patchbay/tensor/tensor.h"

namespace patchbay {

/// Functions may be called from several threads. The file that they read must outlive them.
struct TensorStore {
  /// Whose names and layouts the tensors have.
  enum class Convention { kHuggingFace, kLlamaCpp };

  Convention convention = Convention::kHuggingFace;
  std::string path;  ///< for messages
  std::string
      config_name;  ///< what says which tensors there should be: "config.json", "its metadata"
  std::function<std::vector<std::string>()> names;
  /// The extents of a tensor, row-major; none when it is not there.
  std::function<std::optional<std::vector<std::int64_t>>(const std::string& name)> find;
  /// As 32-bit floats, into memory of exactly that shape; throws kBadData.
  std::function<void(const std::string& name, TensorView out)> read_into;
};

TensorStore tensor_store(const Checkpoint& checkpoint);
TensorStore tensor_store(const GgufFile& file);

}  // namespace patchbay
