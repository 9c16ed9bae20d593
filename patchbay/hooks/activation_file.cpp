#include "patchbay/hooks/activation_file.h"

#include "patchbay/base/error.h"

namespace patchbay {

void ActivationFile::add_tokens(std::span<const TokenId> tokens) {
  const std::vector<std::int64_t> values(tokens.begin(), tokens.end());
  const std::vector<std::int64_t> shape = {1, static_cast<std::int64_t>(values.size())};
  writer_.add("tokens", shape, values);
  arrays_.push_back({"tokens", "[batch, pos]", shape});
}

void ActivationFile::add(const ActivationCache& cache) {
  for (const auto& [name, activation] : cache.entries()) {
    add(name.str(), name.axes(cache.cfg()), activation);
  }
}

void ActivationFile::add_logits(ConstTensorView logits) {
  if (logits.shape().rank() != 2) {
    throw Error(ErrorKind::kUsage, "add_logits",
                "logits of one prompt have the shape [pos, d_vocab]; give those");
  }
  add("logits", "[batch, pos, d_vocab]",
      logits.reshaped({1, logits.shape()[0], logits.shape()[1]}));
}

void ActivationFile::add(const std::string& name, const std::string& axes, ConstTensorView values) {
  writer_.add(name, values);
  const auto extents = values.shape().extents();
  arrays_.push_back({name, axes, {extents.begin(), extents.end()}});
}

}  // namespace patchbay
