// Elements of the reader's own type go straight to their place, others through a small buffer.
#include "patchbay/io/elements.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <new>
#include <utility>

#include "patchbay/base/check.h"
#include "patchbay/base/error.h"
#include "patchbay/io/half.h"

namespace patchbay {
namespace {

static_assert(std::endian::native == std::endian::little,
              "files are little endian and their elements are read without swapping");

struct DtypeEntry {
  std::string_view name;
  std::size_t size;
};

// In the order of Dtype.
constexpr std::array<DtypeEntry, 13> kDtypes = {{{"F64", 8},
                                                 {"F32", 4},
                                                 {"F16", 2},
                                                 {"BF16", 2},
                                                 {"I64", 8},
                                                 {"I32", 4},
                                                 {"I16", 2},
                                                 {"I8", 1},
                                                 {"U64", 8},
                                                 {"U32", 4},
                                                 {"U16", 2},
                                                 {"U8", 1},
                                                 {"BOOL", 1}}};
static_assert(kDtypes.size() == static_cast<std::size_t>(Dtype::kBool) + 1);

const DtypeEntry& entry_of(Dtype dtype) {
  check_index("dtype", "element type", static_cast<std::int64_t>(dtype),
              static_cast<std::int64_t>(kDtypes.size()));
  return kDtypes[static_cast<std::size_t>(dtype)];
}

Error unreadable(const ElementRange& range, std::string_view wanted) {
  return {ErrorKind::kBadData, range.tag,
          fmt::format("{} has {} elements at byte {}, but {} are needed here; convert it",
                      range.label, dtype_name(range.dtype), range.offset, wanted)};
}

// Memory for a count that a file names; the file is at least as long, but memory may be shorter.
template <typename T>
std::vector<T> allocate(const ElementRange& range) {
  try {
    return std::vector<T>(static_cast<std::size_t>(range.count));
  } catch (const std::exception&) {  // bad_alloc, or length_error on absurd counts
    throw Error(ErrorKind::kInputOutput, range.tag,
                fmt::format("{}: no memory for its {} elements", range.label, range.count));
  }
}

template <typename To>
void read_same(const ElementRange& range, std::span<To> out) {
  range.file.read_at(range.offset, std::as_writable_bytes(out));
}

// `convert(element, index)` turns one From into one To.
template <typename From, typename To, typename Convert>
void read_converted(const ElementRange& range, std::span<To> out, const Convert& convert) {
  constexpr std::size_t kPiece = 32768;
  std::vector<From> buffer(std::min(kPiece, out.size()));
  for (std::size_t done = 0; done < out.size(); done += kPiece) {
    const auto piece = std::span(buffer).first(std::min(kPiece, out.size() - done));
    range.file.read_at(range.offset + done * sizeof(From), std::as_writable_bytes(piece));
    for (std::size_t i = 0; i < piece.size(); ++i) out[done + i] = convert(piece[i], done + i);
  }
}

float narrowed(double value, std::size_t index, const ElementRange& range) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  const auto result = static_cast<float>(value);
  if (std::isinf(result) && std::isfinite(value)) {
    throw Error(
        ErrorKind::kBadData, range.tag,
        fmt::format("{}: element {} at byte {} is {}, beyond the largest 32-bit float {}; "
                    "the file is damaged or not meant for this",
                    range.label, index, range.offset + index * sizeof(double), value, kLargest));
  }
  return result;
}

}  // namespace

std::string_view dtype_name(Dtype dtype) { return entry_of(dtype).name; }
std::size_t dtype_size(Dtype dtype) { return entry_of(dtype).size; }

std::optional<Dtype> dtype_named(std::string_view name) {
  for (std::size_t i = 0; i < kDtypes.size(); ++i) {
    if (kDtypes[i].name == name) return static_cast<Dtype>(i);
  }
  return std::nullopt;
}

std::optional<std::int64_t> element_count(std::span<const std::int64_t> shape,
                                          std::size_t element_size) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) {
    if (extent < 0 || __builtin_mul_overflow(count, extent, &count)) return std::nullopt;
  }
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(count, element_size, &bytes)) return std::nullopt;
  return count;
}

void read_floats(const ElementRange& range, std::span<float> out) {
  if (!std::cmp_equal(range.count, out.size())) {
    throw Error(ErrorKind::kUsage, range.tag,
                fmt::format("{}: {} elements do not fill {}; give memory for all", range.label,
                            range.count, out.size()));
  }
  switch (range.dtype) {
    case Dtype::kF32:
      return read_same(range, out);
    case Dtype::kF16:
      return read_converted<std::uint16_t>(
          range, out, [](std::uint16_t code, std::size_t) { return half_to_float(code); });
    case Dtype::kBF16:
      return read_converted<std::uint16_t>(
          range, out, [](std::uint16_t code, std::size_t) { return bfloat16_to_float(code); });
    case Dtype::kF64:
      return read_converted<double>(range, out, [&](double value, std::size_t index) {
        return narrowed(value, index, range);
      });
    default:
      throw unreadable(range, "floating-point numbers");
  }
}

std::vector<double> read_doubles(const ElementRange& range) {
  auto out = allocate<double>(range);
  const std::span<double> all(out);
  switch (range.dtype) {
    case Dtype::kF64:
      read_same(range, all);
      break;
    case Dtype::kF32:
      read_converted<float>(range, all, [](float value, std::size_t) { return double{value}; });
      break;
    case Dtype::kF16:
      read_converted<std::uint16_t>(
          range, all, [](std::uint16_t code, std::size_t) { return double{half_to_float(code)}; });
      break;
    case Dtype::kBF16:
      read_converted<std::uint16_t>(range, all, [](std::uint16_t code, std::size_t) {
        return double{bfloat16_to_float(code)};
      });
      break;
    default:
      throw unreadable(range, "floating-point numbers");
  }
  return out;
}

std::vector<std::int64_t> read_integers(const ElementRange& range) {
  if (range.dtype != Dtype::kI64 && range.dtype != Dtype::kI32) {
    throw unreadable(range, "integers (I64 or I32)");
  }
  auto out = allocate<std::int64_t>(range);
  if (range.dtype == Dtype::kI64) {
    read_same(range, std::span(out));
  } else {
    read_converted<std::int32_t>(
        range, std::span(out), [](std::int32_t value, std::size_t) { return std::int64_t{value}; });
  }
  return out;
}

}  // namespace patchbay
