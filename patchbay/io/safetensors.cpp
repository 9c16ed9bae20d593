// Tensors by name from one checked safetensors file.
#include "patchbay/io/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/io/safetensors_header.h"

namespace patchbay {

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path) {
  SafetensorsFile result(InputFile::open(path));
  SafetensorsHeader header = read_safetensors_header(result.file_);
  result.data_start_ = header.data_start;
  result.tensors_ = std::move(header.tensors);
  result.metadata_ = std::move(header.metadata);
  for (std::size_t i = 0; i < result.tensors_.size(); ++i) {
    result.index_.emplace(result.tensors_[i].name, i);
  }
  return result;
}

const TensorInfo* SafetensorsFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

Tensor SafetensorsFile::read(std::string_view name) const {
  const TensorInfo& info = get(name);
  if (info.shape.size() > Shape::kMaxRank) {
    throw error(fmt::format("tensor {} has {} axes, at most {} are supported", json_quoted(name),
                            info.shape.size(), Shape::kMaxRank));
  }
  Tensor tensor = Tensor::uninitialized(Shape(std::span<const std::int64_t>(info.shape)));
  read_floats(range(info), tensor.flat());
  return tensor;
}

void SafetensorsFile::read_into(std::string_view name, TensorView out) const {
  const TensorInfo& info = get(name);
  const auto wanted = out.shape().extents();
  if (!std::equal(wanted.begin(), wanted.end(), info.shape.begin(), info.shape.end())) {
    throw error(
        fmt::format("tensor {} at byte {} has the shape [{}], but {} is needed; is it the "
                    "checkpoint of another model?",
                    json_quoted(name), data_start_ + info.begin, fmt::join(info.shape, ", "),
                    out.shape().str()));
  }
  read_floats(range(info), out.flat());
}

std::vector<double> SafetensorsFile::read_doubles(std::string_view name) const {
  return patchbay::read_doubles(range(get(name)));
}

std::vector<std::int64_t> SafetensorsFile::read_integers(std::string_view name) const {
  return patchbay::read_integers(range(get(name)));
}

const TensorInfo& SafetensorsFile::get(std::string_view name) const {
  if (const TensorInfo* info = find(name)) return *info;
  std::vector<std::string> names;
  for (const TensorInfo& info : tensors_) names.push_back(info.name);
  throw error(fmt::format("tensor {} is missing{}", json_quoted(name), did_you_mean(name, names)));
}

ElementRange SafetensorsFile::range(const TensorInfo& info) const {
  return {.file = file_,
          .offset = data_start_ + info.begin,
          .count = static_cast<std::int64_t>((info.end - info.begin) / dtype_size(info.dtype)),
          .dtype = info.dtype,
          .tag = "safetensors",
          .label = fmt::format("{}: tensor {}", path(), json_quoted(info.name))};
}

Error SafetensorsFile::error(std::string_view what) const {
  return {ErrorKind::kBadData, "safetensors", fmt::format("{}: {}", path(), what)};
}

}  // namespace patchbay
