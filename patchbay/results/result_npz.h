// A result's numbers as numpy arrays.
#pragma once

#include <filesystem>

#include "patchbay/results/effect_table.h"

namespace patchbay {

/// Arrays of 64-bit floats: `values` [axes…], and `clean` and `corrupted` [prompt] where the table
/// has them. Names and labels are in the JSON file. Throws as EffectTable::check and AtomicFile.
void write_npz(const std::filesystem::path& path, const EffectTable& table);

}  // namespace patchbay
