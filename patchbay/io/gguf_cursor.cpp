// Small reads come from a buffer, large ones from the file.
#include "patchbay/io/gguf_cursor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace patchbay {
namespace {

constexpr std::uint64_t kBufferBytes = 65536;

}  // namespace

Error GgufCursor::broken(std::string_view rule, std::uint64_t offset,
                         std::string_view advice) const {
  return {ErrorKind::kBadData, "gguf",
          fmt::format("{}: {} at byte {}; {}", file_.path(), rule, offset, advice)};
}

void GgufCursor::require(std::uint64_t count, std::string_view what) const {
  if (count > remaining()) {
    throw broken(fmt::format("{} needs {} bytes, but only {} follow", what, count, remaining()),
                 offset_);
  }
  if (count > kMaxHeaderBytes - std::min(offset_, kMaxHeaderBytes)) {
    throw broken(
        fmt::format("{} needs {} bytes, and the header would be longer than the {} allowed", what,
                    count, kMaxHeaderBytes),
        offset_);
  }
}

void GgufCursor::read(std::span<std::byte> out, std::string_view what) {
  require(out.size(), what);
  if (out.size() >= kBufferBytes) {
    file_.read_at(offset_, out);
  } else {
    if (offset_ < buffer_start_ || offset_ + out.size() > buffer_start_ + buffer_.size()) {
      buffer_.resize(static_cast<std::size_t>(std::min(kBufferBytes, remaining())));
      buffer_start_ = offset_;
      file_.read_at(offset_, buffer_);
    }
    if (!out.empty()) {
      std::memcpy(out.data(), buffer_.data() + (offset_ - buffer_start_), out.size());
    }
  }
  offset_ += out.size();
}

std::string GgufCursor::get_string(std::uint64_t max_bytes, std::string_view what) {
  const std::uint64_t start = offset_;
  const auto length = get<std::uint64_t>(what);
  if (length > remaining()) {
    throw broken(fmt::format("{} is {} bytes long, but only {} follow", what, length, remaining()),
                 start);
  }
  if (length > max_bytes) {
    throw broken(
        fmt::format("{} is {} bytes long, more than the {} allowed", what, length, max_bytes),
        start);
  }
  require(length, what);
  std::string text(static_cast<std::size_t>(length), '\0');
  read(std::as_writable_bytes(std::span(text)), what);
  return text;
}

std::vector<std::byte> GgufCursor::get_bytes(std::uint64_t count, std::string_view what) {
  require(count, what);
  std::vector<std::byte> bytes(static_cast<std::size_t>(count));
  read(bytes, what);
  return bytes;
}

}  // namespace patchbay
