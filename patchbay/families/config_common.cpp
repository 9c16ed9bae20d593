#include "patchbay/families/config_common.h"

#include <fmt/format.h>

#include <string>

namespace patchbay::families {

ActivationFunction read_activation(const JsonValue& config, std::string_view key,
                                   std::string_view usual) {
  const auto name = config.get_or<std::string>(key, std::string(usual));
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return ActivationFunction::kGeluNew;
  if (name == "gelu") return ActivationFunction::kGelu;
  if (name == "silu" || name == "swish") return ActivationFunction::kSilu;
  if (name == "relu") return ActivationFunction::kRelu;
  throw config.at(key).error(fmt::format(
      "is \"{}\"; patchbay knows gelu_new, gelu_pytorch_tanh, gelu, silu and relu", name));
}

}  // namespace patchbay::families
