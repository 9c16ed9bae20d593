// Writing safetensors files: the header first, then the elements in the order given.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "patchbay/base/error.h"
#include "patchbay/io/half.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/io/safetensors.h"

namespace patchbay {
namespace {

Error refused(std::string_view path, std::string_view what) {
  return {ErrorKind::kUsage, "safetensors", fmt::format("{}: {}", path, what)};
}

void check(const std::string& path, std::span<const NamedTensor> tensors) {
  std::set<std::string_view> names;
  for (const NamedTensor& tensor : tensors) {
    if (tensor.name == "__metadata__") {
      throw refused(path, "a tensor may not be called \"__metadata__\"; choose another name");
    }
    if (!names.insert(tensor.name).second) {
      throw refused(path,
                    fmt::format("two tensors are called {}; rename one", json_quoted(tensor.name)));
    }
    if (tensor.dtype != Dtype::kF32 && tensor.dtype != Dtype::kF16) {
      throw refused(path, fmt::format("tensor {} is to be written as {}; only F32 and F16 can be",
                                      json_quoted(tensor.name), dtype_name(tensor.dtype)));
    }
  }
}

std::string header_of(std::span<const NamedTensor> tensors,
                      const std::map<std::string, std::string>& metadata) {
  JsonWriter header(JsonLayout::kCompact);
  header.begin_object();
  if (!metadata.empty()) {
    header.key("__metadata__").begin_object();
    for (const auto& [key, value] : metadata) header.member(key, value);
    header.end_object();
  }
  std::uint64_t offset = 0;
  for (const NamedTensor& tensor : tensors) {
    const std::uint64_t end =
        offset + static_cast<std::uint64_t>(tensor.view.size()) * dtype_size(tensor.dtype);
    header.key(tensor.name).begin_object();
    header.member("dtype", dtype_name(tensor.dtype)).key("shape").begin_array();
    for (const std::int64_t extent : tensor.view.shape().extents()) header.value(extent);
    header.end_array().key("data_offsets").begin_array().value(offset).value(end).end_array();
    header.end_object();
    offset = end;
  }
  header.end_object();
  // Spaces up to a multiple of 8, so that the data is aligned when somebody maps the file.
  std::string text = header.take();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

void write_halves(AtomicFile& file, const NamedTensor& tensor) {
  constexpr std::size_t kPiece = 32768;
  const std::span<const float> values = tensor.view.flat();
  std::vector<std::uint16_t> codes(std::min(kPiece, values.size()));
  for (std::size_t done = 0; done < values.size(); done += kPiece) {
    const auto piece = std::span(codes).first(std::min(kPiece, values.size() - done));
    for (std::size_t i = 0; i < piece.size(); ++i) {
      const float value = values[done + i];
      piece[i] = float_to_half(value);
      if ((piece[i] & 0x7FFFU) == 0x7C00U && std::isfinite(value)) {
        throw refused(file.path(), fmt::format("tensor {} has {} at index {}, beyond F16's largest "
                                               "number 65504; write it as F32",
                                               json_quoted(tensor.name), value, done + i));
      }
    }
    file.write(std::as_bytes(piece));
  }
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata) {
  check(path.string(), tensors);
  const std::string header = header_of(tensors, metadata);
  const std::uint64_t length = header.size();
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(header);
  for (const NamedTensor& tensor : tensors) {
    if (tensor.dtype == Dtype::kF32) {
      file.write(std::as_bytes(tensor.view.flat()));
    } else {
      write_halves(file, tensor);
    }
  }
  file.commit();
}

}  // namespace patchbay
