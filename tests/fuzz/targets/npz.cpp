// A .npz file: directory, names and arrays.
#include <set>

#include "patchbay/io/npy.h"
#include "tests/fuzz/fuzz_target.h"

using namespace patchbay;
using namespace patchbay::fuzz;

void fuzz_npz(std::string_view data);

void fuzz_npz(std::string_view data) {
  accepts([&] {
    const NpzFile file = NpzFile::open(memory_file(data));
    const std::vector<std::string> names = file.names();
    require(std::set(names.begin(), names.end()).size() == names.size(), "names appear once");
    for (const std::string& name : names) {
      accepts([&] { (void)file.read(name); });
    }
  });
}
