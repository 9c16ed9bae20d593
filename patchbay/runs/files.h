// The files of a result, and the folders that they go into.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "patchbay/results/effect_table.h"

namespace patchbay::runs {

/// Whether it is json, csv, effects_csv or npz.
bool is_table_format(std::string_view format);

/// FOLDER/STEM followed by an ending such as ".json".
std::filesystem::path path_in(const std::string& folder, const std::string& stem,
                              std::string_view ending);
/// What is in a folder, by name. Throws kNoInput.
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder);
/// Throws kCannotCreate.
void make_folder(const std::string& folder);

/// Writes FOLDER/STEM.json, .csv, .effects.csv and .npz, as far as `formats` name them, each whole
/// or not at all; and STEM.dot of a table with the axis "edge", a circuit, for Graphviz. Returns
/// the paths.
std::vector<std::filesystem::path> write_table(const EffectTable& table, const std::string& folder,
                                               const std::string& stem,
                                               std::span<const std::string> formats);

}  // namespace patchbay::runs
