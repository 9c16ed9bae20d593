// A result's numbers as numpy arrays.
#include "patchbay/results/result_npz.h"

#include <cstdint>
#include <span>

#include "patchbay/io/npy.h"

namespace patchbay {

void write_npz(const std::filesystem::path& path, const EffectTable& table) {
  table.check();
  NpzWriter file(path);
  file.add("values", table.shape(), std::span(table.values));
  const std::int64_t prompts[] = {table.n_prompts()};
  if (!table.baselines.clean.empty()) {
    file.add("clean", prompts, std::span(table.baselines.clean));
  }
  if (!table.baselines.corrupted.empty()) {
    file.add("corrupted", prompts, std::span(table.baselines.corrupted));
  }
  file.close();
}

}  // namespace patchbay
