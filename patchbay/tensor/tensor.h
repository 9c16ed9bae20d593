// Row-major tensors of 32-bit floats, and views of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "patchbay/base/error.h"

namespace patchbay {

namespace detail {
// Where the checks below end: kUsage errors, out of line so that the checks are one comparison.
[[noreturn]] void no_such_axis(int axis, int rank);
[[noreturn]] void no_such_slice(std::int64_t begin, std::int64_t end, std::int64_t extent);
[[noreturn]] void no_such_element(std::string index, std::string shape);
[[noreturn]] void other_size(std::int64_t size, std::int64_t wanted);
[[noreturn]] void no_elements(std::int64_t size);
}  // namespace detail

/// The extents of a tensor, outermost axis first; at most five axes.
class Shape {
 public:
  static constexpr int kMaxRank = 5;

  Shape() = default;
  /// Throws kUsage for more than five axes, a negative extent, or a product beyond 2^62.
  Shape(std::initializer_list<std::int64_t> extents)
      : Shape(std::span<const std::int64_t>(extents.begin(), extents.size())) {}
  explicit Shape(std::span<const std::int64_t> extents);

  [[nodiscard]] int rank() const { return rank_; }
  /// The extent of `axis`; negative axes count from the end, as in numpy. Throws kUsage when there
  /// is no such axis.
  [[nodiscard]] std::int64_t operator[](int axis) const {
    if (axis >= rank_ || axis < -rank_) detail::no_such_axis(axis, rank_);
    return extents_[static_cast<std::size_t>(axis < 0 ? axis + rank_ : axis)];
  }
  /// The number of elements: the product of the extents, 1 for rank 0.
  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] std::span<const std::int64_t> extents() const {
    return {extents_.data(), static_cast<std::size_t>(rank_)};
  }
  /// The shape without its first axis. Throws kUsage when there is none.
  [[nodiscard]] Shape tail() const {
    if (rank_ == 0) detail::no_such_axis(0, rank_);
    return Shape(extents().subspan(1));
  }
  /// "[5, 12, 32]"
  [[nodiscard]] std::string str() const;

  friend bool operator==(const Shape& a, const Shape& b) {
    return a.rank_ == b.rank_ && a.extents_ == b.extents_;
  }

 private:
  std::array<std::int64_t, kMaxRank> extents_{};
  int rank_ = 0;
  std::int64_t size_ = 1;
};

/// A window on row-major floats that somebody else owns. `T` is float or const float.
template <typename T>
class BasicTensorView {
 public:
  BasicTensorView() : shape_({0}) {}
  /// Throws kUsage for a null pointer to more than no elements.
  BasicTensorView(T* data, const Shape& shape) : data_(data), shape_(shape) {
    if (data == nullptr && shape.size() != 0) detail::no_elements(shape.size());
  }
  /// A view one may write through is also a view one may read through.
  template <typename U>
  requires(std::is_const_v<T>&& std::is_same_v<U, std::remove_const_t<T>>)
      BasicTensorView(const BasicTensorView<U>& other)  // NOLINT: implicit, as for span
      : data_(other.data()), shape_(other.shape()) {}

  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] std::int64_t size() const { return shape_.size(); }
  [[nodiscard]] bool empty() const { return shape_.size() == 0; }
  [[nodiscard]] std::span<T> flat() const {
    return {data_, static_cast<std::size_t>(shape_.size())};
  }

  /// One element, by one index per axis. Nothing is checked, as in std::span: this is what inner
  /// loops call. at() is the same with checks.
  template <typename... Index>
  [[nodiscard]] T& operator()(Index... index) const {
    PATCHBAY_ASSERT(has(index...));
    std::int64_t offset = 0;
    std::size_t axis = 0;
    ((offset = offset * shape_.extents()[axis++] + static_cast<std::int64_t>(index)), ...);
    return data_[offset];
  }
  /// One element, by one index per axis. Throws kUsage when there is no such element.
  template <typename... Index>
  [[nodiscard]] T& at(Index... index) const {
    if (!has(index...)) {
      std::string text;
      ((text += (text.empty() ? "" : ", ") + std::to_string(index)), ...);
      detail::no_such_element(std::move(text), shape_.str());
    }
    return (*this)(index...);
  }

  /// The i-th slice along the first axis. Throws kUsage when there is none.
  [[nodiscard]] BasicTensorView operator[](std::int64_t i) const {
    if (i < 0 || i >= shape_[0]) detail::no_such_slice(i, i + 1, shape_[0]);
    const Shape rest = shape_.tail();
    return {data_ + i * rest.size(), rest};
  }
  /// Slices begin … end−1 along the first axis. Throws kUsage when they are not all there.
  [[nodiscard]] BasicTensorView rows(std::int64_t begin, std::int64_t end) const {
    if (begin < 0 || begin > end || end > shape_[0]) detail::no_such_slice(begin, end, shape_[0]);
    std::array<std::int64_t, Shape::kMaxRank> extents{};
    const auto all = shape_.extents();
    for (std::size_t axis = 0; axis < all.size(); ++axis) extents[axis] = all[axis];
    extents[0] = end - begin;
    const std::int64_t row = shape_[0] == 0 ? 0 : shape_.size() / shape_[0];
    return {data_ + begin * row, Shape(std::span(extents.data(), all.size()))};
  }
  /// The same elements under another shape. Throws kUsage when it has another size.
  [[nodiscard]] BasicTensorView reshaped(const Shape& shape) const {
    if (shape.size() != shape_.size()) detail::other_size(shape_.size(), shape.size());
    return {data_, shape};
  }

 private:
  template <typename... Index>
  [[nodiscard]] bool has(Index... index) const {
    if (sizeof...(index) != static_cast<std::size_t>(shape_.rank())) return false;
    std::size_t axis = 0;
    return ((static_cast<std::int64_t>(index) >= 0 &&
             static_cast<std::int64_t>(index) < shape_.extents()[axis++]) &&
            ...);
  }

  T* data_ = nullptr;
  Shape shape_;
};

using TensorView = BasicTensorView<float>;
using ConstTensorView = BasicTensorView<const float>;

/// An owned row-major tensor. Its memory is aligned to 64 bytes, large ones to whole huge pages.
/// Copies copy the elements. Throws kInputOutput when there is no memory.
class Tensor {
 public:
  Tensor() : shape_({0}) {}
  /// All elements +0.
  explicit Tensor(const Shape& shape);
  /// Elements not yet set: for a result that is about to be written whole.
  static Tensor uninitialized(const Shape& shape);
  static Tensor copy_of(ConstTensorView view);

  Tensor(const Tensor& other);
  Tensor& operator=(const Tensor& other);
  Tensor(Tensor&& other) noexcept;
  Tensor& operator=(Tensor&& other) noexcept;
  ~Tensor() = default;

  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] std::int64_t size() const { return shape_.size(); }
  [[nodiscard]] bool empty() const { return shape_.size() == 0; }
  [[nodiscard]] float* data() { return data_.get(); }
  [[nodiscard]] const float* data() const { return data_.get(); }
  [[nodiscard]] std::span<float> flat() { return view().flat(); }
  [[nodiscard]] std::span<const float> flat() const { return view().flat(); }
  [[nodiscard]] TensorView view() { return {data_.get(), shape_}; }
  [[nodiscard]] ConstTensorView view() const { return {data_.get(), shape_}; }
  operator TensorView() { return view(); }             // NOLINT: implicit, as for span
  operator ConstTensorView() const { return view(); }  // NOLINT: implicit, as for span

  /// The same elements, moved, under another shape. Throws kUsage when it has another size.
  [[nodiscard]] Tensor reshaped(const Shape& shape) && {
    if (shape.size() != shape_.size()) detail::other_size(shape_.size(), shape.size());
    shape_ = shape;
    return std::move(*this);
  }

  template <typename... Index>
  [[nodiscard]] float& operator()(Index... index) {
    return view()(index...);
  }
  template <typename... Index>
  [[nodiscard]] const float& operator()(Index... index) const {
    return view()(index...);
  }
  template <typename... Index>
  [[nodiscard]] float& at(Index... index) {
    return view().at(index...);
  }
  template <typename... Index>
  [[nodiscard]] const float& at(Index... index) const {
    return view().at(index...);
  }
  [[nodiscard]] TensorView operator[](std::int64_t i) { return view()[i]; }
  [[nodiscard]] ConstTensorView operator[](std::int64_t i) const { return view()[i]; }

 private:
  struct Free {
    void operator()(float* memory) const;
  };
  Shape shape_;
  std::unique_ptr<float, Free> data_;
};

}  // namespace patchbay
