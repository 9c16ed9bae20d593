// Tensors by name from one checked GGUF file.
#include "patchbay/io/gguf.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "patchbay/base/error.h"
#include "patchbay/base/suggest.h"
#include "patchbay/io/elements.h"
#include "patchbay/io/gguf_header.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/io/quantized_blocks.h"

namespace patchbay {
namespace {

// The same type among those that other formats have too; nothing for quantised ones.
std::optional<Dtype> plain_dtype(GgmlType type) {
  return is_quantized(type) ? std::nullopt : dtype_named(ggml_type_info(type).name);
}

void read_blocks(const InputFile& file, std::uint64_t offset, GgmlType type, std::span<float> out) {
  constexpr std::size_t kPieceBlocks = 1024;
  const GgmlTypeInfo& info = ggml_type_info(type);
  const std::size_t count = out.size() / info.block_elements;
  std::vector<std::byte> buffer(std::min(kPieceBlocks, count) * info.block_bytes);
  for (std::size_t done = 0; done < count; done += kPieceBlocks) {
    const std::size_t blocks = std::min(kPieceBlocks, count - done);
    const auto piece = std::span(buffer).first(blocks * info.block_bytes);
    file.read_at(offset + done * info.block_bytes, piece);
    dequantize(type, piece, out.subspan(done * info.block_elements, blocks * info.block_elements));
  }
}

}  // namespace

std::int64_t GgufTensor::size() const {
  const GgmlTypeInfo& info = ggml_type_info(type);
  return static_cast<std::int64_t>((end - begin) / info.block_bytes * info.block_elements);
}

GgufFile GgufFile::open(const std::filesystem::path& path) {
  GgufFile result(InputFile::open(path));
  GgufHeader header = read_gguf_header(result.file_);
  result.version_ = header.version;
  result.data_start_ = header.data_start;
  result.metadata_ = std::move(header.metadata);
  result.tensors_ = std::move(header.tensors);
  result.index_ = std::move(header.index);
  return result;
}

std::vector<std::string> GgufFile::names() const {
  std::vector<std::string> names;
  for (const auto& [name, place] : index_) names.push_back(name);
  return names;
}

const GgufTensor* GgufFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

Tensor GgufFile::read(std::string_view name) const {
  const GgufTensor& info = get(name);
  Tensor tensor = Tensor::uninitialized(Shape(std::span<const std::int64_t>(info.shape)));
  read_elements(info, tensor.flat());
  return tensor;
}

void GgufFile::read_into(std::string_view name, TensorView out) const {
  const GgufTensor& info = get(name);
  const auto wanted = out.shape().extents();
  if (!std::equal(wanted.begin(), wanted.end(), info.shape.begin(), info.shape.end())) {
    throw error(
        fmt::format("tensor {} at byte {} has the shape [{}], but {} is needed; is it the "
                    "file of another model?",
                    json_quoted(name), data_start_ + info.begin, fmt::join(info.shape, ", "),
                    out.shape().str()));
  }
  read_elements(info, out.flat());
}

const GgufTensor& GgufFile::get(std::string_view name) const {
  if (const GgufTensor* info = find(name)) return *info;
  throw error(
      fmt::format("tensor {} is missing{}", json_quoted(name), did_you_mean(name, names())));
}

void GgufFile::read_elements(const GgufTensor& tensor, std::span<float> out) const {
  const std::uint64_t offset = data_start_ + tensor.begin;
  if (const auto dtype = plain_dtype(tensor.type)) {
    read_floats({.file = file_,
                 .offset = offset,
                 .count = tensor.size(),
                 .dtype = *dtype,
                 .tag = "gguf",
                 .label = fmt::format("{}: tensor {}", path(), json_quoted(tensor.name))},
                out);
  } else {
    read_blocks(file_, offset, tensor.type, out);
  }
}

Error GgufFile::error(std::string_view what) const {
  return {ErrorKind::kBadData, "gguf", fmt::format("{}: {}", path(), what)};
}

}  // namespace patchbay
