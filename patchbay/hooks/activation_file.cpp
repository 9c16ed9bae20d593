#include "patchbay/hooks/activation_file.h"

#include "patchbay/base/error.h"

namespace patchbay {

void ActivationFile::add_numbers(const std::vector<std::int64_t>& numbers) {
  add("prompts", "[batch]", {std::ssize(numbers)}, numbers);
}

void ActivationFile::add_tokens(std::span<const std::vector<TokenId>> prompts) {
  const std::size_t length = prompts.empty() ? 0 : prompts.front().size();
  std::vector<std::int64_t> values;
  for (const std::vector<TokenId>& tokens : prompts) {
    if (tokens.size() != length) {
      throw Error(ErrorKind::kUsage, "add_tokens", "prompts of one array are equally long");
    }
    values.insert(values.end(), tokens.begin(), tokens.end());
  }
  add("tokens", "[batch, pos]", {std::ssize(prompts), static_cast<std::int64_t>(length)}, values);
}

void ActivationFile::add(const ActivationCache& cache) {
  for (const auto& [name, activation] : cache.entries()) {
    add(name.str(), name.axes(cache.cfg()), activation);
  }
}

void ActivationFile::add_logits(ConstTensorView logits, std::int64_t batch) {
  if (logits.shape().rank() != 2 || batch < 1 || logits.shape()[0] % batch != 0) {
    throw Error(ErrorKind::kUsage, "add_logits",
                "logits of one prompt have the shape [pos, d_vocab], of a batch [batch·pos, "
                "d_vocab]; give those");
  }
  add("logits", "[batch, pos, d_vocab]",
      logits.reshaped({batch, logits.shape()[0] / batch, logits.shape()[1]}));
}

void ActivationFile::add(const std::string& name, const std::string& axes, ConstTensorView values) {
  writer_.add(prefix_ + name, values);
  const auto extents = values.shape().extents();
  arrays_.push_back({prefix_ + name, axes, {extents.begin(), extents.end()}});
}

void ActivationFile::add(const std::string& name, const std::string& axes,
                         const std::vector<std::int64_t>& shape,
                         const std::vector<std::int64_t>& values) {
  writer_.add(prefix_ + name, shape, values);
  arrays_.push_back({prefix_ + name, axes, shape});
}

}  // namespace patchbay
