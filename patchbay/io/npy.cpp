// The .npy format: ten bytes or twelve, a Python dictionary as text, the elements.
#include "patchbay/io/npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "patchbay/base/error.h"
#include "patchbay/io/elements.h"
#include "patchbay/io/json_writer.h"
#include "patchbay/io/npy_format.h"

namespace patchbay {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::uint64_t kMaxHeaderBytes = 65536;

Error bad(const NpyRange& range, std::string_view what, std::uint64_t position) {
  return {ErrorKind::kBadData, "npy",
          fmt::format("{}: {} (byte {})", range.label, what, range.offset + position)};
}

// The header's dictionary, `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`, and no
// other Python: this reads the one form and refuses everything else.
class HeaderParser {
 public:
  HeaderParser(const NpyRange& range, std::string_view text, std::uint64_t start)
      : range_(range), text_(text), start_(start) {}

  void parse() {
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !descr) {
        descr = next() == '[' ? throw error("holds records; save its fields one by one") : quoted();
      } else if (key == "fortran_order" && !fortran_order) {
        fortran_order = truth();
      } else if (key == "shape" && !shape) {
        shape = tuple();
      } else {
        throw error(fmt::format("has a header with the key {}", json_quoted(key)));
      }
      if (next() != '}') expect(',');
    }
    next();
    if (position_ < text_.size()) throw error("has a header with text after its dictionary");
    if (!descr || !fortran_order || !shape) {
      throw error("has a header that lacks descr, fortran_order or shape");
    }
  }

  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::int64_t>> shape;

  [[nodiscard]] Error error(std::string_view what) const {
    return bad(range_, fmt::format("{}; save the array again with numpy.save", what),
               start_ + position_);
  }

 private:
  // The next character that is not white space, '\0' at the end.
  char next() {
    position_ = std::min(text_.find_first_not_of(" \n", position_), text_.size());
    return position_ < text_.size() ? text_[position_] : '\0';
  }
  bool accept(char wanted) {
    if (next() != wanted || position_ >= text_.size()) return false;
    ++position_;
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) throw error(fmt::format("has a header without the expected '{}'", wanted));
  }
  std::string quoted() {
    const char quote = next();
    if (quote != '\'' && quote != '"') throw error("has a header without an expected string");
    const auto end = text_.find(quote, position_ + 1);
    if (end == std::string_view::npos) throw error("has a header with an open string");
    std::string content(text_.substr(position_ + 1, end - position_ - 1));
    position_ = end + 1;
    return content;
  }
  bool truth() {
    next();
    for (const std::string_view word : {"True", "False"}) {
      if (!text_.substr(position_).starts_with(word)) continue;
      position_ += word.size();
      return word == "True";
    }
    throw error("has a fortran_order that is neither True nor False");
  }
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> extents;
    expect('(');
    while (!accept(')')) {
      next();
      std::int64_t extent = -1;
      const char* begin = text_.data() + position_;
      const auto result = std::from_chars(begin, text_.data() + text_.size(), extent);
      if (result.ec != std::errc() || extent < 0) {
        throw error("has a shape that is not a tuple of integers from 0 to 2^63 - 1");
      }
      position_ += static_cast<std::size_t>(result.ptr - begin);
      extents.push_back(extent);
      // Python calls `(3)` a number: a tuple of one has its comma.
      if (next() != ')' || extents.size() == 1) expect(',');
    }
    return extents;
  }

  const NpyRange& range_;
  std::string_view text_;
  std::uint64_t start_;
  std::size_t position_ = 0;
};

struct HeaderText {
  std::string text;
  std::uint64_t start;
};

HeaderText read_header(const NpyRange& range) {
  std::string prefix(static_cast<std::size_t>(std::min<std::uint64_t>(range.size, 12)), '\0');
  range.file.read_at(range.offset, std::as_writable_bytes(std::span(prefix)));
  if (!prefix.starts_with(kMagic) || prefix.size() < 12) {
    throw bad(range, "does not start as a .npy file does; save it with numpy.save", 0);
  }
  const auto byte = [&](std::size_t i) {
    return std::uint64_t{static_cast<unsigned char>(prefix[i])};
  };
  if ((byte(6) != 1 && byte(6) != 2) || byte(7) != 0) {
    throw bad(range,
              fmt::format("has version {}.{} of the format, but only 1.0 and 2.0 are read; save "
                          "plain numbers with numpy.save",
                          byte(6), byte(7)),
              6);
  }
  const std::uint64_t start = byte(6) == 1 ? 10 : 12;
  const std::uint64_t length = byte(6) == 1
                                   ? byte(8) | byte(9) << 8
                                   : byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24;
  if (length > kMaxHeaderBytes || length > range.size - start) {
    throw bad(range,
              fmt::format("gives a header of {} bytes, but at most {} can be; save it again",
                          length, std::min(kMaxHeaderBytes, range.size - start)),
              8);
  }
  std::string text(static_cast<std::size_t>(length), '\0');
  range.file.read_at(range.offset + start, std::as_writable_bytes(std::span(text)));
  return {std::move(text), start};
}

Dtype dtype_of(const HeaderParser& header) {
  const std::string& descr = *header.descr;
  if (descr == "<f4") return Dtype::kF32;
  if (descr == "<f8") return Dtype::kF64;
  if (descr == "<i4") return Dtype::kI32;
  if (descr == "<i8") return Dtype::kI64;
  if (descr.starts_with('>')) {
    throw header.error(
        fmt::format("holds big-endian numbers ({}); convert it with "
                    "array.astype(array.dtype.newbyteorder('<'))",
                    json_quoted(descr)));
  }
  if (descr.find('O') != std::string::npos) {
    throw header.error("holds Python objects, which can run code; convert it to numbers");
  }
  throw header.error(fmt::format(
      "holds elements of the type {}, but only '<f4', '<f8', '<i4' and '<i8' are read; convert it "
      "with array.astype('float32') or array.astype('int64')",
      json_quoted(descr)));
}

}  // namespace

NpyArray read_npy_range(const NpyRange& range) {
  const HeaderText text = read_header(range);
  HeaderParser header(range, text.text, text.start);
  header.parse();
  const Dtype dtype = dtype_of(header);
  if (*header.fortran_order) {
    throw header.error(
        "is in column order (fortran_order); convert it with "
        "numpy.ascontiguousarray(array)");
  }
  NpyArray array;
  array.shape = *header.shape;
  array.is_integer = dtype == Dtype::kI32 || dtype == Dtype::kI64;
  const std::uint64_t data = text.start + text.text.size();
  const auto count = element_count(array.shape, dtype_size(dtype));
  const std::string shape = fmt::format("({})", fmt::join(array.shape, ", "));
  if (!count) throw header.error(fmt::format("has the shape {}, whose size overflows", shape));
  const auto needed = static_cast<std::uint64_t>(*count) * dtype_size(dtype);
  if (needed != range.size - data) {
    throw bad(range,
              fmt::format("has {} bytes of elements, but {} of {} needs {}; save it again",
                          range.size - data, shape, json_quoted(*header.descr), needed),
              data);
  }
  const ElementRange elements{range.file, range.offset + data, *count, dtype, "npy", range.label};
  if (array.is_integer) {
    array.integers = read_integers(elements);
    return array;
  }
  if (array.shape.size() > Shape::kMaxRank) {
    throw header.error(
        fmt::format("has {} axes, at most {} are supported", array.shape.size(), Shape::kMaxRank));
  }
  array.floats = Tensor::uninitialized(Shape(std::span<const std::int64_t>(array.shape)));
  read_floats(elements, array.floats.flat());
  return array;
}

std::string npy_header(std::string_view descr, std::span<const std::int64_t> shape) {
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}",
                                 descr, fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  // numpy leaves room for the first extent to grow in place, up to 21 digits.
  constexpr std::size_t kRoom = 21;
  if (!shape.empty()) text.append(kRoom - fmt::formatted_size("{}", shape[0]), ' ');
  constexpr std::size_t kPrefix = 10;
  constexpr std::size_t kAlignment = 64;
  text.append(kAlignment - (kPrefix + text.size() + 1) % kAlignment, ' ');
  text += '\n';
  std::string header(kMagic);
  header += '\x01';
  header += '\x00';
  header += static_cast<char>(text.size() & 0xFF);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

void check_npy_shape(std::string_view where, std::span<const std::int64_t> shape,
                     std::size_t count) {
  const auto wanted = element_count(shape, sizeof(std::int64_t));
  if (!wanted || static_cast<std::size_t>(*wanted) != count) {
    throw Error(ErrorKind::kUsage, "npy",
                fmt::format("{}: {} values do not fill the shape ({}); pass as many as it has",
                            where, count, fmt::join(shape, ", ")));
  }
}

NpyArray read_npy(const std::filesystem::path& path) {
  const InputFile file = InputFile::open(path);
  return read_npy_range({file, 0, file.size(), file.path()});
}

void write_npy(const std::filesystem::path& path, ConstTensorView view) {
  AtomicFile file(path);
  file.write(npy_header("<f4", view.shape().extents()));
  file.write(std::as_bytes(view.flat()));
  file.commit();
}

void write_npy(const std::filesystem::path& path, std::span<const std::int64_t> shape,
               std::span<const std::int64_t> values) {
  check_npy_shape(path.string(), shape, values.size());
  AtomicFile file(path);
  file.write(npy_header("<i8", shape));
  file.write(std::as_bytes(values));
  file.commit();
}

}  // namespace patchbay
