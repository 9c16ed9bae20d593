#include "patchbay/io/tensor_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "patchbay/base/error.h"
#include "patchbay/tensor/transpose.h"

namespace patchbay {
void TensorReader::fail(const std::string& what) const {
  throw Error(ErrorKind::kBadData, family_.name, fmt::format("{}: {}", store_.path, what));
}

TensorReader::TensorReader(TensorStore store, Family family)
    : store_(std::move(store)), family_(std::move(family)) {
  if (store_.names && store_.find && store_.read_into && family_.stored_name &&
      family_.is_ignored) {
    return;
  }
  throw Error(ErrorKind::kUsage, "tensor reader",
              "a function of the store or of the family is empty; give tensor_store's");
}

bool TensorReader::has(const std::string& name) const {
  return store_.find(stored(name)).has_value();
}

void TensorReader::require(const std::string& name, const Shape& shape) const {
  const auto found = store_.find(stored(name));
  if (!found) {
    fail(fmt::format("tensor \"{}\" is missing; a {} checkpoint {}", stored(name), family_.name,
                     family_.contents));
  }
  if (!std::ranges::equal(*found, shape.extents())) {
    fail(fmt::format("\"{}\" has shape [{}]; {} asks for {}", stored(name), fmt::join(*found, ", "),
                     store_.config_name, shape.str()));
  }
}

void TensorReader::read_into(const std::string& name, TensorView out) const {
  require(name, out.shape());
  store_.read_into(stored(name), out);
}

Tensor TensorReader::read(const std::string& name, const Shape& shape) const {
  require(name, shape);  // before there is memory for it
  Tensor tensor = Tensor::uninitialized(shape);
  store_.read_into(stored(name), tensor);
  return tensor;
}

Tensor TensorReader::read_transposed(const std::string& name, const Shape& shape) const {
  const Tensor tensor = read(name, {shape[1], shape[0]});
  Tensor result = Tensor::uninitialized(shape);
  transpose_into(tensor, result);
  return result;
}

Tensor TensorReader::read_unembedding(const std::string& embedding, ConstTensorView W_E,
                                      bool tied) const {
  if (!has(kUnembedding)) {
    if (tied) return {};
    fail(
        fmt::format("\"{}\" is missing, and {} says that the unembedding is not tied to {} "
                    "(\"tie_word_embeddings\": false)",
                    stored(kUnembedding), store_.config_name, embedding));
  }
  Tensor unembedding = read(kUnembedding, W_E.shape());
  if (!tied) return unembedding;
  if (!std::ranges::equal(unembedding.flat(), W_E.flat())) {
    fail(
        fmt::format("\"{}\" differs from {}, though {} ties them; set \"tie_word_embeddings\" to "
                    "false if the model was trained so",
                    stored(kUnembedding), embedding, store_.config_name));
  }
  return {};
}

void TensorReader::refuse_others(const std::set<std::string>& expected,
                                 std::int64_t n_layers) const {
  std::set<std::string> known = {stored(kUnembedding)};
  for (const std::string& name : expected) known.insert(stored(name));
  for (const std::string& name : store_.names()) {
    if (known.contains(name) || family_.is_ignored(name)) continue;
    fail(
        fmt::format("\"{}\" is not a tensor of a {} model of {} layers; check that {} belongs to "
                    "this checkpoint",
                    name, family_.name, n_layers, store_.config_name));
  }
}

}  // namespace patchbay
