// A GGUF file: the strict reader beside a simple one; its tensors, config and tokenizer.
#include "patchbay/io/gguf.h"

#include <cstring>

#include "patchbay/families/family.h"
#include "patchbay/text/tokenizer.h"
#include "tests/fuzz/fuzz_target.h"

using namespace patchbay;
using namespace patchbay::fuzz;

void fuzz_gguf(std::string_view data);

namespace {

// Walks over the bytes as the format's description says, and only looks where it may.
class SimpleReader {
 public:
  explicit SimpleReader(std::string_view data) : data_(data) {}

  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::string text() { return std::string(take(number<std::uint64_t>())); }
  void skip_value(std::uint32_t type) {
    static constexpr std::uint64_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    if (type == 8) {
      text();
    } else if (type == 9) {
      const auto element = number<std::uint32_t>();
      const auto count = number<std::uint64_t>();
      for (std::uint64_t i = 0; i < count; ++i) skip_value(element);
    } else {
      take(kSizes[type]);
    }
  }

 private:
  std::string_view take(std::uint64_t count) {
    require(count <= data_.size(), "the strict reader stays inside of the file");
    const std::string_view taken = data_.substr(0, count);
    data_.remove_prefix(count);
    return taken;
  }
  std::string_view data_;
};

void compare_with_simple_reader(const GgufFile& file, std::string_view data) {
  SimpleReader simple(data);
  simple.number<std::uint32_t>();
  require(simple.number<std::uint32_t>() == file.version(), "both readers see the same version");
  const auto tensors = simple.number<std::uint64_t>();
  const auto values = simple.number<std::uint64_t>();
  require(tensors == file.tensors().size() && values == file.metadata().values().size(),
          "both readers see the same counts");
  for (const GgufValue& value : file.metadata().values()) {
    require(simple.text() == value.key(), "both readers see the same keys");
    simple.skip_value(simple.number<std::uint32_t>());
  }
  for (const GgufTensor& tensor : file.tensors()) {
    require(simple.text() == tensor.name, "both readers see the same names");
    std::vector<std::int64_t> shape(simple.number<std::uint32_t>());
    for (std::size_t i = shape.size(); i-- > 0;) {
      shape[i] = static_cast<std::int64_t>(simple.number<std::uint64_t>());
    }
    require(shape == tensor.shape, "both readers see the same shapes");
    simple.number<std::uint32_t>();
    require(simple.number<std::uint64_t>() == tensor.begin, "both readers see the same places");
  }
}

}  // namespace

void fuzz_gguf(std::string_view data) {
  accepts([&] {
    const GgufFile file = GgufFile::open(memory_file(data));
    compare_with_simple_reader(file, data);
    for (const GgufTensor& tensor : file.tensors()) {
      accepts([&] { (void)file.read(tensor.name); });
    }
    for (const GgufValue& value : file.metadata().values()) {
      accepts([&] { (void)value.as_int(); });
      accepts([&] { (void)value.as_float(); });
      accepts([&] { (void)value.as_strings(); });
    }
    for (const families::Family* family : families::all()) {
      accepts([&] { family->gguf_config(file.metadata()).check(); });
    }
    accepts([&] { (void)Tokenizer::from_gguf(file).to_tokens("Mary", {.prepend_bos = false}); });
  });
}
