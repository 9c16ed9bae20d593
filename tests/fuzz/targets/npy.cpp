// A .npy file: the strict reader beside a simple one, and written arrays read back.
#include "patchbay/io/npy.h"

#include <cstring>

#include "tests/fuzz/fuzz_target.h"

using namespace patchbay;
using namespace patchbay::fuzz;

void fuzz_npy(std::string_view data);

namespace {

// The number of elements that the header's text promises, read as a human would.
std::int64_t simple_count(std::string_view data) {
  const std::size_t open = data.find('(', data.find("'shape'"));
  std::int64_t count = 1;
  std::int64_t extent = -1;
  for (std::size_t i = open + 1; i < data.size(); ++i) {
    const char c = data[i];
    if (c >= '0' && c <= '9') {
      extent = (extent < 0 ? 0 : extent) * 10 + (c - '0');
    } else if (extent >= 0) {
      count *= extent;
      extent = -1;
    }
    if (c == ')') break;
  }
  return count;
}

void write(const std::filesystem::path& path, const NpyArray& array) {
  if (array.is_integer) {
    write_npy(path, array.shape, array.integers);
  } else {
    write_npy(path, array.floats);
  }
}

}  // namespace

void fuzz_npy(std::string_view data) {
  accepts([&] {
    const NpyArray array = read_npy(memory_file(data));
    std::int64_t count = 1;
    for (const std::int64_t extent : array.shape) count *= extent;
    require(count == simple_count(data), "both readers see as many elements");
    write(folder() / "first.npy", array);
    const NpyArray again = read_npy(folder() / "first.npy");
    require(again.shape == array.shape, "a written array has its shape");
    write(folder() / "second.npy", again);
    require(bytes_of(folder() / "first.npy") == bytes_of(folder() / "second.npy"),
            "an array that is read and written is the same");
  });
}
