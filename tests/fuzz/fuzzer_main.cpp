// One target as a libFuzzer program; PATCHBAY_FUZZ_TARGET is its function.
#include <cstddef>
#include <cstdint>
#include <string_view>

void PATCHBAY_FUZZ_TARGET(std::string_view data);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  PATCHBAY_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
