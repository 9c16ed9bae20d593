// Walks over the header of a GGUF file: each read is checked before memory is taken for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/base/error.h"
#include "patchbay/io/file.h"

namespace patchbay {

class GgufCursor {
 public:
  /// No more of the file than this is read as a header; vocabularies of 262,144 tokens take some
  /// 20 MB. In memory a header can be four times as large, when it is all empty strings.
  static constexpr std::uint64_t kMaxHeaderBytes = std::uint64_t{64} << 20;

  explicit GgufCursor(const InputFile& file) : file_(file) {}

  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  /// The bytes from here to the end of the file.
  [[nodiscard]] std::uint64_t remaining() const { return file_.size() - offset_; }
  [[nodiscard]] const InputFile& file() const { return file_; }

  /// The next integer. `what` names it for messages: "the type of a tensor".
  template <typename T>
  T get(std::string_view what) {
    T value{};
    read(std::as_writable_bytes(std::span(&value, 1)), what);
    return value;
  }
  /// The next string: its 64-bit length, then its bytes, at most `max_bytes`.
  std::string get_string(std::uint64_t max_bytes, std::string_view what);
  /// The next bytes.
  std::vector<std::byte> get_bytes(std::uint64_t count, std::string_view what);

  /// kBadData: `FILE: RULE at byte OFFSET; ADVICE`.
  [[nodiscard]] Error broken(std::string_view rule, std::uint64_t offset,
                             std::string_view advice = "the file is damaged, fetch it again") const;

 private:
  void require(std::uint64_t count, std::string_view what) const;
  void read(std::span<std::byte> out, std::string_view what);

  const InputFile& file_;
  std::uint64_t offset_ = 0;
  std::vector<std::byte> buffer_;  // the file from buffer_start_ on: most reads are of a few bytes
  std::uint64_t buffer_start_ = 0;
};

}  // namespace patchbay
