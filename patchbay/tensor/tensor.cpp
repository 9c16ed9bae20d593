#include "patchbay/tensor/tensor.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <utility>

namespace patchbay {

namespace detail {

void no_such_axis(int axis, int rank) {
  throw Error(ErrorKind::kUsage, "tensor",
              fmt::format("there is no axis {}; the shape has {}", axis, rank));
}
void no_such_slice(std::int64_t begin, std::int64_t end, std::int64_t extent) {
  throw Error(
      ErrorKind::kUsage, "tensor",
      fmt::format("there are no slices {} to {}; the first axis has {}", begin, end - 1, extent));
}
void no_such_element(std::string index, std::string shape) {
  throw Error(ErrorKind::kUsage, "tensor",
              fmt::format("there is no element ({}); the shape is {}", index, shape));
}
void other_size(std::int64_t size, std::int64_t wanted) {
  throw Error(ErrorKind::kUsage, "tensor",
              fmt::format("{} elements do not fill a shape of {}; give one of the same size", size,
                          wanted));
}
void no_elements(std::int64_t size) {
  throw Error(ErrorKind::kUsage, "tensor",
              fmt::format("a null pointer to {} elements; give the address of the first", size));
}

}  // namespace detail

Shape::Shape(std::span<const std::int64_t> extents) {
  if (extents.size() > kMaxRank) {
    throw Error(
        ErrorKind::kUsage, "tensor",
        fmt::format("a shape of {} axes; at most {} are supported", extents.size(), kMaxRank));
  }
  rank_ = static_cast<int>(extents.size());
  for (std::size_t axis = 0; axis < extents.size(); ++axis) {
    const std::int64_t extent = extents[axis];
    if (extent < 0) {
      throw Error(ErrorKind::kUsage, "tensor",
                  fmt::format("axis {} has the negative extent {}", axis, extent));
    }
    extents_[axis] = extent;
    if (__builtin_mul_overflow(size_, extent, &size_) || size_ > (std::int64_t{1} << 62)) {
      throw Error(ErrorKind::kUsage, "tensor", "a shape with more than 2^62 elements");
    }
  }
}

std::string Shape::str() const { return fmt::format("[{}]", fmt::join(extents(), ", ")); }

void Tensor::Free::operator()(float* memory) const { std::free(memory); }  // NOLINT: owns it

Tensor Tensor::uninitialized(const Shape& shape) {
  constexpr std::size_t kCacheLine = 64;
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  constexpr std::int64_t kMostElements = std::int64_t{1} << 46;  // 48 bits address that many bytes
  Tensor tensor;
  tensor.shape_ = shape;
  if (shape.size() == 0) return tensor;
  // The last cache line is whole, so that a kernel may read it to its end.
  const std::size_t wanted = static_cast<std::size_t>(shape.size()) * sizeof(float);
  const std::size_t alignment = wanted >= kHugePage ? kHugePage : kCacheLine;
  const std::size_t bytes = (wanted + kCacheLine - 1) / kCacheLine * kCacheLine;
  const bool fits = shape.size() <= kMostElements;
  void* memory = nullptr;
  if (!fits || posix_memalign(&memory, alignment, bytes) != 0) {
    throw Error(
        ErrorKind::kInputOutput, "tensor",
        fmt::format("no memory for a tensor of shape {} (4 bytes an element); use a smaller model "
                    "or fewer prompts",
                    shape.str()));
  }
#ifdef MADV_HUGEPAGE
  if (alignment == kHugePage) madvise(memory, bytes, MADV_HUGEPAGE);  // a hint; may be refused
#endif
  tensor.data_.reset(static_cast<float*>(memory));
  return tensor;
}

Tensor::Tensor(const Shape& shape) : Tensor(uninitialized(shape)) {
  if (!empty()) std::memset(data_.get(), 0, static_cast<std::size_t>(size()) * sizeof(float));
}

Tensor Tensor::copy_of(ConstTensorView view) {
  Tensor tensor = uninitialized(view.shape());
  if (!tensor.empty()) {
    std::memcpy(tensor.data(), view.data(), static_cast<std::size_t>(view.size()) * sizeof(float));
  }
  return tensor;
}

Tensor::Tensor(const Tensor& other) : Tensor(copy_of(other)) {}
Tensor& Tensor::operator=(const Tensor& other) {
  if (this != &other) *this = copy_of(other);
  return *this;
}
// NOLINTBEGIN(bugprone-exception-escape): one extent of nothing is a shape.
Tensor::Tensor(Tensor&& other) noexcept
    : shape_(std::exchange(other.shape_, Shape{0})), data_(std::move(other.data_)) {}
Tensor& Tensor::operator=(Tensor&& other) noexcept {
  shape_ = std::exchange(other.shape_, Shape{0});
  data_ = std::move(other.data_);
  return *this;
}
// NOLINTEND(bugprone-exception-escape)

}  // namespace patchbay
